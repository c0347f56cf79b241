"""Where the system runs: folders, database, time zone and limits, read from the environment once."""

import os
from dataclasses import dataclass, field
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parent.parent
REFERENCE_DIR = ROOT / "data"
LOCALE_DIR = ROOT / "locale"

MAX_ATTACHMENT_BYTES = 10 * 1024 * 1024
MAX_IMPORT_BYTES = 50 * 1024 * 1024
MAIL_PORTS = {"starttls": 587, "ssl": 465, "none": 25}


@dataclass(frozen=True)
class MailServer:
    """The server that takes our mails; without a host none are sent."""

    host: str = ""
    port: int = 587
    user: str = ""
    password: str = field(default="", repr=False)
    sender: str = ""
    tls: str = "starttls"
    """starttls, ssl or none."""

    @classmethod
    def from_environment(cls) -> "MailServer":
        """Read CRM_SMTP_HOST, _PORT, _USER, _PASSWORD, _FROM and _TLS."""
        tls = os.environ.get("CRM_SMTP_TLS") or cls.tls
        if tls not in MAIL_PORTS:
            raise ValueError(f"CRM_SMTP_TLS is starttls, ssl or none, not {tls!r}")
        user = os.environ.get("CRM_SMTP_USER", "")
        return cls(
            host=os.environ.get("CRM_SMTP_HOST", ""),
            port=int(os.environ.get("CRM_SMTP_PORT") or MAIL_PORTS[tls]),
            user=user,
            password=os.environ.get("CRM_SMTP_PASSWORD", ""),
            sender=os.environ.get("CRM_SMTP_FROM") or user,
            tls=tls,
        )


@dataclass(frozen=True)
class Settings:
    """Everything an operator may choose; see docs/operations.md for the variables."""

    data_dir: Path = field(default=REFERENCE_DIR / "var")
    database_url: str = ""
    timezone: ZoneInfo = field(default=ZoneInfo("Asia/Shanghai"))
    language: str = "zh_CN"
    secure_cookies: bool = False
    files_url: str = ""
    session_idle_hours: int = 12
    session_absolute_days: int = 7
    password_days: int = 0
    """After so many days a password has to be replaced; 0 for never."""
    password_history: int = 3
    """How many passwords, the present one included, are not chosen again."""
    trust_days: int = 30
    """How long a browser may go without the second factor; 0 for never."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    base_url: str = ""
    """Where users reach the system, for links in mails; without it mails have none."""
    mail: MailServer = field(default=MailServer())
    robots_url: str = ""
    """In the place of the chat programs' own hosts: a gateway of the house, where the server has no way out."""
    works: bool = True
    """Whether the server does the work beside requests itself; else a worker does."""
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = field(default="", repr=False)
    oidc_label: str = "OpenID Connect"
    oidc_auto_create: str = ""

    @property
    def url(self) -> str:
        """The database to use: CRM_DATABASE_URL, or SQLite in the data folder."""
        if not self.database_url:
            return f"sqlite:///{self.data_dir / 'crm.db'}"
        return self.database_url.replace("postgresql://", "postgresql+psycopg://", 1)

    @property
    def mail_configured(self) -> bool:
        """Whether mails can be sent."""
        return bool(self.mail.host)

    @property
    def links_by_mail(self) -> bool:
        """Whether mails can lead back here. The address is a setting, since the one a request names may be forged."""
        return self.mail_configured and bool(self.base_url)

    @property
    def has_oidc(self) -> bool:
        """Whether users may sign in through the company's OpenID Connect provider."""
        return all((self.base_url, self.oidc_issuer, self.oidc_client_id, self.oidc_client_secret))

    @property
    def files_location(self) -> str:
        """Where attachments are kept, as an fsspec address."""
        return self.files_url or str(self.data_dir / "files")

    @property
    def key_file(self) -> Path:
        """The file with the encryption keys; never inside the database."""
        return self.data_dir / "secret.key"

    @property
    def seal_file(self) -> Path:
        """Where the newest seal of the change log is noted outside the database."""
        return self.data_dir / "newest-seal"

    @property
    def setup_code_file(self) -> Path:
        """The one-time code that the first administrator needs."""
        return self.data_dir / "setup-code"


def _number(variable: str, default: int) -> int:
    return int(os.environ.get(variable) or default)


def settings_from_environment() -> Settings:
    """Read the variables of docs/operations.md. Raises `ValueError` for one that makes no sense."""
    defaults = Settings()
    proxies = os.environ.get("CRM_TRUSTED_PROXIES", "").replace(",", " ").split()
    return Settings(
        data_dir=Path(os.environ.get("CRM_DATA_DIR") or defaults.data_dir).resolve(),
        database_url=os.environ.get("CRM_DATABASE_URL", ""),
        timezone=ZoneInfo(os.environ.get("CRM_TIMEZONE", "Asia/Shanghai")),
        language=os.environ.get("CRM_LANGUAGE", defaults.language),
        secure_cookies=os.environ.get("CRM_SECURE_COOKIES", "") == "1",
        files_url=os.environ.get("CRM_FILES_URL", ""),
        password_days=_number("CRM_PASSWORD_DAYS", defaults.password_days),
        password_history=_number("CRM_PASSWORD_HISTORY", defaults.password_history),
        trust_days=_number("CRM_TRUST_DAYS", defaults.trust_days),
        session_idle_hours=_number("CRM_SESSION_IDLE_HOURS", defaults.session_idle_hours),
        session_absolute_days=_number("CRM_SESSION_DAYS", defaults.session_absolute_days),
        trusted_proxies=tuple(ip_network(text, strict=False) for text in proxies),
        base_url=os.environ.get("CRM_BASE_URL", "").rstrip("/"),
        mail=MailServer.from_environment(),
        robots_url=os.environ.get("CRM_ROBOTS_URL", "").rstrip("/"),
        works=os.environ.get("CRM_BACKGROUND", "") != "0",
        oidc_issuer=os.environ.get("CRM_OIDC_ISSUER", "").rstrip("/"),
        oidc_client_id=os.environ.get("CRM_OIDC_CLIENT_ID", ""),
        oidc_client_secret=os.environ.get("CRM_OIDC_CLIENT_SECRET", ""),
        oidc_label=os.environ.get("CRM_OIDC_LABEL") or defaults.oidc_label,
        oidc_auto_create=os.environ.get("CRM_OIDC_AUTO_CREATE", ""),
    )


@cache
def settings() -> Settings:
    """The settings of this process."""
    return settings_from_environment()

"""Where the system runs: folders, database, time zone and limits, read from the environment once."""

import os
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parent.parent
REFERENCE_DIR = ROOT / "data"
LOCALE_DIR = ROOT / "locale"

MAX_ATTACHMENT_BYTES = 10 * 1024 * 1024
MAX_IMPORT_BYTES = 50 * 1024 * 1024


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

    @property
    def url(self) -> str:
        """The database to use: CRM_DATABASE_URL, or SQLite in the data folder."""
        if not self.database_url:
            return f"sqlite:///{self.data_dir / 'crm.db'}"
        return self.database_url.replace("postgresql://", "postgresql+psycopg://", 1)

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


def settings_from_environment() -> Settings:
    """Read CRM_DATA_DIR, CRM_DATABASE_URL, CRM_TIMEZONE, CRM_LANGUAGE, CRM_SECURE_COOKIES and CRM_FILES_URL."""
    defaults = Settings()
    return Settings(
        data_dir=Path(os.environ.get("CRM_DATA_DIR") or defaults.data_dir).resolve(),
        database_url=os.environ.get("CRM_DATABASE_URL", ""),
        timezone=ZoneInfo(os.environ.get("CRM_TIMEZONE", "Asia/Shanghai")),
        language=os.environ.get("CRM_LANGUAGE", defaults.language),
        secure_cookies=os.environ.get("CRM_SECURE_COOKIES", "") == "1",
        files_url=os.environ.get("CRM_FILES_URL", ""),
    )


@cache
def settings() -> Settings:
    """The settings of this process."""
    return settings_from_environment()

"""Where a request comes from: addresses behind proxies, forged headers, devices in words, places."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from crm_core import config
from crm_core.clients import client_address, device_of
from crm_core.i18n import in_language
from crm_core.places import OFFICE, UNKNOWN, city_of, place_label

PROXIES = "10.0.0.0/8, fd00::/8 127.0.0.1"
HANGZHOU = "223.5.5.5"
SHANGHAI = "202.96.209.5"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
PHONE = "Mozilla/5.0 (Linux; Android 15; V2) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/130 Safari/537.36"


@pytest.fixture
def proxies(any_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_TRUSTED_PROXIES", PROXIES)
    config.settings.cache_clear()


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "address"),
    [
        (HANGZHOU, None, HANGZHOU),
        (HANGZHOU, "1.1.1.1", HANGZHOU),  # not a proxy: its word counts for nothing
        ("10.0.0.5", None, "10.0.0.5"),
        ("10.0.0.5", "", "10.0.0.5"),
        ("10.0.0.5", HANGZHOU, HANGZHOU),
        ("10.0.0.5", f"1.1.1.1, {HANGZHOU}", HANGZHOU),  # the browser wrote 1.1.1.1 itself
        ("10.0.0.5", f"1.1.1.1,{HANGZHOU} , 10.0.0.7", HANGZHOU),
        ("10.0.0.5", "10.0.0.9, 10.0.0.7", "10.0.0.9"),
        ("10.0.0.5", "nonsense", "10.0.0.5"),
        ("10.0.0.5", f"{HANGZHOU}, nonsense", "10.0.0.5"),
        ("10.0.0.5", f"{HANGZHOU}:51234", HANGZHOU),
        ("10.0.0.5", "[2001:db8::7]:443", "2001:db8::7"),
        ("10.0.0.5", "2001:DB8:0::7", "2001:db8::7"),
        ("fd00::1", HANGZHOU, HANGZHOU),
        ("::ffff:10.0.0.5", f"::ffff:{HANGZHOU}", HANGZHOU),
        ("::ffff:223.5.5.5", "1.1.1.1", HANGZHOU),
        ("fe80::1%eth0", None, "fe80::1"),
        ("127.0.0.1", f"{HANGZHOU}\r\nx", "127.0.0.1"),
        ("127.0.0.1", "1.1.1.1.1, 999.1.1.1", "127.0.0.1"),
        ("127.0.0.1", "," * 500, "127.0.0.1"),
        (None, HANGZHOU, ""),
        ("", HANGZHOU, ""),
        ("testclient", HANGZHOU, ""),
    ],
)
def test_a_forwarded_address_is_believed_from_trusted_proxies_only(
    proxies: None, peer: str | None, forwarded_for: str | None, address: str
) -> None:
    assert client_address(peer, forwarded_for) == address


def test_without_trusted_proxies_nobody_is_believed(any_database: str) -> None:
    assert client_address("127.0.0.1", HANGZHOU) == "127.0.0.1"


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (CHROME, "Chrome · Windows"),
        (CHROME + " Edg/140.0.0.0", "Edge · Windows"),
        (PHONE, "Chrome · Android"),
        (PHONE + " MicroMessenger/8.0", "WeChat · Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Safari/604.1", "Safari · iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox · macOS"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox · Linux"),
        ("curl/8.0", ""),
        ("", ""),
        ("<b>**x**</b>" * 100, ""),
    ],
)
def test_a_device_is_named_by_browser_and_system(user_agent: str, device: str) -> None:
    assert device_of(user_agent) == device


@pytest.mark.parametrize(
    ("address", "chinese", "english"),
    [
        (HANGZHOU, "浙江省杭州市", "Hangzhou"),
        (SHANGHAI, "上海市", "Shanghai"),
        ("59.188.0.1", "香港", "Hong Kong"),
        ("8.8.8.8", "美国", "United States"),
        ("13.32.0.1", "德国慕尼黑", "Germany"),
        ("10.1.2.3", "公司内网", "office network"),
        ("127.0.0.1", "公司内网", "office network"),
        ("fd00::1", "公司内网", "office network"),
        ("2400:3200::1", "未知地点", "unknown place"),
        ("", "未知地点", "unknown place"),
    ],
)
def test_a_place_is_told_in_the_language_of_the_reader(address: str, chinese: str, english: str) -> None:
    for language, label in (("zh_CN", chinese), ("en", english)):
        with in_language(language):
            assert place_label(city_of(address)) == label


def test_private_addresses_are_the_office_and_public_ones_without_data_unknown() -> None:
    assert [city_of(address) for address in ("192.168.0.9", "169.254.0.1", "::1", "100.64.1.1")] == [OFFICE] * 4
    assert city_of("2400:3200::1") == UNKNOWN


def test_many_threads_read_the_table_at_once() -> None:
    addresses = [HANGZHOU, SHANGHAI, "8.8.8.8", "59.188.0.1"] * 500
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(city_of, addresses))
    assert found == [city_of(address) for address in addresses[:4]] * 500

"""Settings: from file, environment and flags, and what a faulty one is told."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.config import CollectorSetting, Settings, is_loopback, load, refuse_exposure
from dashboard.errors import ConfigError, ConfigFileError
from dashboard.settings_file import SettingsFile
from dashboard.table import help_text
from dashboard.toml_text import toml_value

FILE = Path("/etc/dashboard.toml")
DOCS = Path(__file__).parents[1] / "docs" / "settings.md"


def parsed(text: str) -> SettingsFile:
    return SettingsFile.parse(FILE, text.encode())


def test_without_anything_the_defaults_hold() -> None:
    loaded = load(None, {})
    assert loaded.settings == Settings()
    assert not loaded.sources and not loaded.warnings


def test_environment_wins_over_file_and_flags_over_both() -> None:
    file = parsed('host = "::1"\nport = 1\ninterval = 2\n')
    loaded = load(file, {"DASHBOARD_PORT": "2", "DASHBOARD_INTERVAL": "3"}, {"port": 4, "host": None})
    assert (loaded.settings.host, loaded.settings.interval, loaded.settings.port) == ("::1", 3.0, 4)
    assert loaded.sources == {"host": f"{FILE}:1", "interval": "DASHBOARD_INTERVAL", "port": "--port"}


def test_a_path_in_a_file_begins_at_the_file() -> None:
    assert load(parsed('data_dir = "data"'), {}).settings.data_dir == FILE.parent / "data"
    assert load(parsed('data_dir = "/data"'), {}).settings.data_dir == Path("/data")
    assert load(parsed('data_dir = "~/data"'), {}).settings.data_dir == Path.home() / "data"
    assert load(None, {"DASHBOARD_DATA_DIR": "data"}).settings.data_dir == Path("data")


@pytest.mark.parametrize(
    ("text", "line", "key", "message"),
    [
        ("prot = 1", 1, "prot", "unknown key; the nearest valid one is port"),
        ("\n\n# x\nheartbeat-interval = 5", 4, "heartbeat-interval", "nearest valid one is heartbeat_interval"),
        ('"data dir" = "/"', 1, "data dir", "nearest valid one is data_dir"),
        ("boards = []", 1, "boards", "nearest valid one is board"),
        ("host = '''\na'''\nport = 'x'", 3, "port", 'must be a whole number from 0 to 65535, not "x"'),
        ("\nport = 65536", 2, "port", "must be a whole number from 0 to 65535, not 65536"),
        ("port = 80.5", 1, "port", "must be a whole number from 0 to 65535, not 80.5"),
        ("port = true", 1, "port", "must be a whole number from 0 to 65535, not true"),
        ("insecure = 1", 1, "insecure", "must be true or false, not 1"),
        ("interval = nan", 1, "interval", "must be a number from 0.1 to 3600, not nan"),
        ("log_age = inf", 1, "log_age", "must be a number from 1 to 86400, not inf"),
        ("log_events = 1", 1, "log_events", "must be a whole number from 16 to 10000000, not 1"),
        ("flush_interval = 2", 1, "flush_interval", "must be a number from 0.001 to 1, not 2"),
        ('data_dir = ""', 1, "data_dir", 'must be the path of a folder, not ""'),
        ("data_dir = 1979-01-01", 1, "data_dir", "must be the path of a folder, not 1979-01-01"),
        ('allowed_hosts = "a"', 1, "allowed_hosts", 'must be a list of texts such as ["a", "b"], not "a"'),
        ('allowed_hosts = [\n"a",\n1]', 3, "allowed_hosts", "must be a text, not 1"),
        ('allowed_hosts = [\n"a", "https://b"]', 2, "allowed_hosts", "must be a name without scheme and port"),
        ('host = "127.0.0.1:80"', 1, "host", "without scheme, port or brackets"),
        ('host = ""', 1, "host", "without scheme, port or brackets"),
        ('root_path = "x/"', 1, "root_path", "must begin with / and not end with it"),
        ('public_url = "dash"', 1, "public_url", "must be an address such as https://dash.example.com"),
        ("public_url = 'http://127.0.0.1:1/\"><x'", 1, "public_url", "must be an address such as"),
        ('public_url = "https://a b.example"', 1, "public_url", "must be an address such as"),
        ('public_url = "https://a.example:99999"', 1, "public_url", "must be an address such as"),
        ('public_url = "https://[::1"', 1, "public_url", "must be an address such as"),
        ('public_url = "https://[1:2]/"', 1, "public_url", "must be an address such as"),
        ('public_url = "https://user:secret@a.example"', 1, "public_url", "must be an address such as"),
        ('public_url = "https://a.example/%zz"', 1, "public_url", "must be an address such as"),
        ('public_url = "javascript:alert(1)"', 1, "public_url", "must be an address such as"),
        ("[[collector]]\ninterval = 0\n", 1, "collector.name", "is missing"),
        ("port = 'x'\nhost = 5", 1, "port", "must be a whole number"),
        ("allowed_hosts = [\n5,\n6]", 2, "allowed_hosts", "must be a text, not 5"),
        ("[board]\n[board]\n", 2, "board", "is there twice"),
        ("a = 1\n[a]\n", 2, "a", "is there twice"),
        ("[[board]]\nname = {a = 1, a = 2}", 2, "name", "is there twice"),
        (r'instance = "a\nb"', 1, "instance", "must be at most 200 printable characters"),
        ('ignore_disks = "("', 1, "ignore_disks", 'must be a regular expression, not "("'),
        ('[collector]\nname = "x"', 1, "collector", "write [[collector]], in double brackets"),
        ("[[collector]]\ninterval = 2", 1, "collector.name", "is missing: it must be a text, not empty"),
        ('[[collector]]\nname = ""', 2, "collector.name", 'must be a text, not empty, not ""'),
        ('[[collector]]\nname = "a"\nintervall = 2', 3, "collector.intervall", "nearest valid one is interval"),
        ('[[collector]]\nname = "a"\n[[collector]]\nname = "a"', 4, "collector.name", '"a" stands twice'),
        ('[[collector]]\nname = "a"\nport = 80', 3, "collector.port", "belongs to the top of the file"),
        ('collector = [{name="a"},\n{name="b",interval=0}]', 2, "collector.interval", "from 0.1 to 3600, not 0"),
        ("collector = [1]", 1, "collector", "must be a table, not 1"),
        ("[server]\nport = 1", 1, "server", "plain settings stand at the top of the file"),
        ("\nhost = localhost # x", 2, "host", 'at column 8; a text stands in quotes: "localhost"'),
        ("host = 0.0.0.0", 1, "host", 'a text stands in quotes: "0.0.0.0"'),
        ("port = 1\nport = 2\n", 2, "port", "is there twice"),
        ('\ndata_dir = "a\\u0000b"', 2, "data_dir", 'must be a path without a NUL in it, not "a\\u0000b"'),
        ('certfile = "a\\u0000b"', 1, "certfile", "without a NUL"),
        ('collectors_dir = "~no-such-user/x"', 1, "collectors_dir", "home folder of a user who has none"),
        ("\nport = " + "1" * 5000, 2, "", "too large for any setting"),
        ("[[collector]]\nname = 'cpu'\ninterval = 0x" + "1" * 5000, 3, "collector.interval", "too large for any"),
        ("a = [\n1,", 2, "", "not TOML: "),
        ('host = "x', 1, "host", "not TOML: "),
    ],
)
def test_a_fault_in_a_file_is_told_with_its_line_and_key(text: str, line: int, key: str, message: str) -> None:
    with pytest.raises(ConfigFileError) as raised:
        load(parsed(text), {})
    assert (raised.value.path, raised.value.line, raised.value.key) == (FILE, line, key)
    assert message in raised.value.message
    assert str(raised.value).startswith(f"{FILE}:{line}: ")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://dash.example.com",
        "http://127.0.0.1:8000/",
        "https://[2001:db8::1]:8443/dashboard/a%20b",
        "http://web_1/~me/(x);v=1,2",
    ],
)
def test_an_address_to_be_reached_at_is_any_of_a_host_a_port_and_a_path(url: str) -> None:
    assert load(parsed(f"public_url = {url!r}"), {}).settings.public_url == url


def test_a_file_that_is_not_utf_8_is_told_with_the_line() -> None:
    with pytest.raises(ConfigFileError, match=r"dashboard\.toml:2: is not UTF-8"):
        SettingsFile.parse(FILE, b"port = 1\nhost = '\xff'\n")


def test_a_byte_order_mark_and_line_ends_of_windows_are_taken() -> None:
    file = SettingsFile.parse(FILE, b"\xef\xbb\xbfport = 1\r\ninsecure = true\r\n")
    assert file.data == {"port": 1, "insecure": True}
    assert file.line(("insecure",)) == 2


def test_endless_nesting_is_a_fault_like_others() -> None:
    with pytest.raises(ConfigFileError):
        SettingsFile.parse(FILE, b"a = " + b"[" * 100_000)


@pytest.mark.parametrize("name", ["nothing.toml", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigFileError, match="cannot be read: "):
        SettingsFile.read(tmp_path / name)


def test_what_is_no_file_is_refused_at_once_and_the_null_device_is_an_empty_one(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(ConfigFileError, match="cannot be read: it is a pipe or a device, not a regular file"):
            SettingsFile.read(path)
    assert SettingsFile.read(Path(os.devnull)).data == {}


@given(st.binary(max_size=200) | st.text(st.sampled_from("abport=[]{}'\"\\\n .,#10"), max_size=60).map(str.encode))
def test_whatever_is_in_a_file_it_is_read_or_refused_with_a_line(raw: bytes) -> None:
    line: int | None = 1
    try:
        load(SettingsFile.parse(FILE, raw), {})
    except ConfigFileError as error:
        line = error.line
    assert line is not None


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("port", " 80 ", 80),
        ("interval", "2", 2.0),
        ("interval", "0.5", 0.5),
        ("insecure", "1", True),
        ("insecure", "TRUE", True),
        ("insecure", "off", False),
        ("allowed_hosts", "a, b,", ("a", "b")),
        ("allowed_hosts", '["a", "b"]', ("a", "b")),
        ("instance", "web 1", "web 1"),
        ("collector", '[{"name": "cpu", "interval": 2}]', (CollectorSetting(name="cpu", interval=2.0),)),
    ],
)
def test_a_variable_is_read_as_its_setting_needs(key: str, text: str, value: object) -> None:
    assert getattr(load(None, {f"DASHBOARD_{key.upper()}": text}).settings, key) == value


@given(st.lists(st.from_regex(r"[a-z]([a-z.-]{0,6}[a-z])?", fullmatch=True)))
def test_a_list_in_the_environment_is_the_same_with_commas_and_as_json(hosts: list[str]) -> None:
    commas, as_json = ({"DASHBOARD_ALLOWED_HOSTS": text} for text in (",".join(hosts), json.dumps(hosts)))
    assert load(None, commas).settings == load(None, as_json).settings == Settings(allowed_hosts=tuple(hosts))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("DASHBOARD_PORT", "http", 'DASHBOARD_PORT: must be a whole number from 0 to 65535, not "http"'),
        ("DASHBOARD_PORT", "99999", "DASHBOARD_PORT: must be a whole number from 0 to 65535, not 99999"),
        ("DASHBOARD_INSECURE", "perhaps", 'DASHBOARD_INSECURE: must be true or false, not "perhaps"'),
        ("DASHBOARD_INTERVAL", "nan", "DASHBOARD_INTERVAL: must be a number from 0.1 to 3600, not nan"),
        ("DASHBOARD_ALLOWED_HOSTS", "a:80", "DASHBOARD_ALLOWED_HOSTS[0]: must be a name without scheme and port"),
        ("DASHBOARD_ALLOWED_HOSTS", "[a]", "DASHBOARD_ALLOWED_HOSTS: must be a list of texts such as"),
        ("DASHBOARD_COLLECTOR", "cpu", "DASHBOARD_COLLECTOR: must be a list of tables as JSON: "),
        (
            "DASHBOARD_COLLECTOR",
            '[{"name": "a"}, {"nam": "b"}]',
            "DASHBOARD_COLLECTOR[1].nam: unknown key; the nearest",
        ),
        ("DASHBOARD_IGNORE_DISKS", "[", "DASHBOARD_IGNORE_DISKS: must be a regular expression"),
        ("DASHBOARD_COLLECTOR", "[" * 100_000, "DASHBOARD_COLLECTOR: is nested too deeply"),
        ("DASHBOARD_ALLOWED_HOSTS", "[" * 700 + "]" * 700, "DASHBOARD_ALLOWED_HOSTS"),
    ],
)
def test_a_fault_in_the_environment_names_the_variable(name: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load(None, {name: text})
    assert str(raised.value).startswith(message)


def test_an_unknown_variable_is_a_warning_with_the_nearest() -> None:
    loaded = load(None, {"DASHBOARD_PROT": "1", "PATH": "/bin", "DASHBOARD_CONFIG": "x.toml"})
    assert loaded.settings == Settings()
    assert loaded.warnings == ("DASHBOARD_PROT: no such setting; the nearest is DASHBOARD_PORT",)


def test_ages_of_points_that_make_no_sense_together_are_a_warning() -> None:
    loaded = load(None, {"DASHBOARD_KEEP_RAW_AGE": "200000", "DASHBOARD_KEEP_15M_AGE": "2592000"})
    assert loaded.settings.keep_raw_age == 200_000
    (line,) = loaded.warnings
    assert line.startswith("keep_10s_age = 172800 is less than keep_raw_age = 200000: ")


def test_what_an_orchestrator_injects_is_ignored_with_one_line() -> None:
    environ = {
        "DASHBOARD_PORT": "tcp://10.0.0.1:80",
        "DASHBOARD_PORT_80_TCP_ADDR": "10.0.0.1",
        "DASHBOARD_SERVICE_HOST": "10.0.0.1",
        "DASHBOARD_DB_SERVICE_PORT_HTTP": "80",
    }
    loaded = load(None, environ)
    assert loaded.settings.port == 8000
    assert len(loaded.warnings) == 1
    assert all(name in loaded.warnings[0] for name in environ)


def test_an_empty_variable_counts_as_not_set() -> None:
    environ = {f"DASHBOARD_{field.name.upper()}": "" for field in msgspec.structs.fields(Settings)}
    assert load(None, environ) == load(None, {})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1", "localhost", "LOCALHOST"])
def test_loopback_needs_no_word_about_safety(host: str) -> None:
    assert is_loopback(host)
    refuse_exposure(Settings(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "web-1", "localhost.example.com", "::ffff:10.0.0.1"])
def test_any_other_address_needs_insecure(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(ConfigError, match=r"--insecure \(DASHBOARD_INSECURE=1\)"):
        refuse_exposure(Settings(host=host))
    refuse_exposure(Settings(host=host, insecure=True))


def test_every_default_is_a_value_that_may_be_written_in_a_file() -> None:
    defaults = msgspec.to_builtins(Settings(), enc_hook=str)
    text = "".join(f"{key} = {toml_value(value)}\n" for key, value in defaults.items() if value is not None)
    assert load(parsed(text), {}).settings == Settings()


@given(st.recursive(st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(), st.lists, max_leaves=8))
def test_values_are_written_as_toml_that_reads_the_same(value: object) -> None:
    read = parsed(f"a = {toml_value(value)}").data["a"]
    assert read == value or (isinstance(value, float) and math.isnan(value)) or "nan" in repr(value)


@pytest.mark.parametrize("table", [Settings, CollectorSetting])
def test_each_setting_is_documented_with_its_default_and_help(table: type[msgspec.Struct]) -> None:
    rows = DOCS.read_text("utf-8").splitlines()
    for field in msgspec.structs.fields(table):
        default = "" if field.required or field.default is None else toml_value(msgspec.to_builtins(field.default))
        variable = "" if table is CollectorSetting else f"DASHBOARD_{field.name.upper()}"
        says = [default.replace("|", "\\|"), help_text(field.type).replace("|", "\\|"), variable]
        found = [row for row in rows if row.startswith(f"| `{field.name}` |") and all(part in row for part in says)]
        assert found, f"{field.name} has no row in docs/settings.md with {says}"

"""Text from elsewhere, made harmless: no control characters, no more than so long."""

from __future__ import annotations

import re

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_LINE_END = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Also what turns the direction of writing around, so that a line could look like another, and halves of characters.
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_IN_LABEL = re.compile(rf"[\t\x0b-\r\u2028\u2029]|{_CONTROL.pattern}")
_BLANKS = re.compile(r"[\n\t]+")


def text(raw: str, limit: int) -> str:
    """Return `raw` in at most `limit` characters, lines ended by LF, without colours and with control characters
    written out (`\\x00`). What was cut ends in a mark that tells of how many characters.
    """
    if len(raw) > 4 * limit:  # so that a line of a megabyte costs no more than one that is just too long
        raw, whole = raw[: 4 * limit], len(raw)
    else:
        whole = 0
    shown = _CONTROL.sub(_written_out, _LINE_END.sub("\n", _ANSI.sub("", raw)))
    if not whole and len(shown) <= limit:
        return shown
    mark = f" … (cut, of {whole or len(shown)} characters)"
    return shown[: max(limit - len(mark), 0)] + mark[:limit]


def line(raw: str, limit: int) -> str:
    """Return `raw` as `text` does, in one line without blanks around it."""
    return _BLANKS.sub(" ", text(raw.strip(), limit)).strip()


def label(raw: str) -> str:
    """Return the value of a label with all that is no sign on paper written out but LF, which its series escapes."""
    return raw if raw.isprintable() else _IN_LABEL.sub(_written_out, raw)


def error(raised: BaseException, limit: int) -> str:
    """Return the text of an exception, which anyone's code may have made, as `text` does."""
    try:
        return text(str(raised), limit)
    except Exception:
        return "it has no text"


def _written_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"

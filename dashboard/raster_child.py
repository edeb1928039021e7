"""The process that makes PNG of SVG: it reads drawings from its input and writes pictures to its output, one by one.

It is run by its path, so that nothing of the dashboard is loaded with it. Each drawing comes with its length (4 bytes)
and a scale (4 bytes, float) before it, each answer with a byte that is 1 when it is a picture, and its length; else it
is the reason why there is none. It ends with its input.
"""

from __future__ import annotations

import os
import resource
import struct
import sys
from typing import BinaryIO, NamedTuple

MEMORY = 384 * 1024 * 1024
"""Bytes of own memory at most; a picture of the largest size takes some 100 MB."""

_REQUEST = struct.Struct(">If")
_ANSWER = struct.Struct(">?I")
_FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "~/Library/Fonts",
)
_FAMILIES = (
    ("Noto Sans", "NotoSans"),
    ("DejaVu Sans", "DejaVuSans"),
    ("Liberation Sans", "LiberationSans"),
    ("Roboto", "Roboto"),
    ("Inter", "Inter"),
    ("Open Sans", "OpenSans"),
    ("Arial", "Arial"),
    ("FreeSans", "FreeSans"),
    ("Helvetica", "Helvetica"),
)
_FACES = ("-Regular.ttf", ".ttf", ".ttc", "-Bold.ttf", " Bold.ttf", "Bold.ttf")
_PLAIN = frozenset("–—−…·↑↓°µ×∞≤≥‘’“”€")
_NO_FONTS = "this machine has no fonts to write with: install some, such as fonts-dejavu-core; .svg needs none"


class Fonts(NamedTuple):
    """The family that texts are written in, and the files of it that there are."""

    family: str
    files: list[str]


def find_fonts() -> Fonts | None:
    """Return the best of the families that this machine has; None when it has none of those that are known."""
    known = {stem + face for _, stem in _FAMILIES for face in _FACES}
    there: dict[str, str] = {}
    for folder in _FOLDERS:
        for place, _, names in os.walk(os.path.expanduser(folder)):
            for name in known.intersection(names):
                there.setdefault(name, os.path.join(place, name))
    for family, stem in _FAMILIES:
        files = [there[stem + face] for face in _FACES if stem + face in there]
        if files:
            return Fonts(family, files)
    return None


def picture(svg: str, scale: float, fonts: Fonts) -> bytes:
    """Return the PNG of a drawing. Fonts for all the world's writing are loaded only where one is needed."""
    import resvg_py  # not before the bounds are set

    rare = any(char > "\u024f" and char not in _PLAIN for char in svg)
    return resvg_py.svg_to_bytes(
        svg_string=svg,
        zoom=scale,
        font_family=fonts.family,
        sans_serif_family=fonts.family,
        serif_family=fonts.family,
        font_files=fonts.files,
        skip_system_fonts=not rare,
    )


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer questions until their source ends."""
    fonts = find_fonts()
    while len(head := source.read(_REQUEST.size)) == _REQUEST.size:
        length, scale = _REQUEST.unpack(head)
        drawing = source.read(length)
        if len(drawing) < length:
            return
        good, answer = _answer(drawing, scale, fonts)
        sink.write(_ANSWER.pack(good, len(answer)) + answer)
        sink.flush()


def _answer(drawing: bytes, scale: float, fonts: Fonts | None) -> tuple[bool, bytes]:
    if fonts is None:
        return False, _NO_FONTS.encode()
    try:
        return True, bytes(picture(drawing.decode(), scale, fonts))
    except ImportError as error:
        return False, f"pictures need the package resvg-py ({error}); .svg needs none".encode()
    except BaseException as error:  # a panic of the library is no Exception
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        return False, f"this drawing gives no picture: {error}"[:300].encode()


def _bound() -> None:
    """Take less than everything: memory, files, and turns that others wait for."""
    for kind, most in (
        (resource.RLIMIT_DATA, MEMORY),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        _, hard = resource.getrlimit(kind)
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (least, least))
    os.nice(5)


if __name__ == "__main__":
    _bound()
    serve(sys.stdin.buffer, sys.stdout.buffer)

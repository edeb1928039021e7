"""Static files under one address that changes with their content, compressed once."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from pathlib import Path

from quart import Response, current_app
from werkzeug.exceptions import NotFound

from dashboard.model import Role
from dashboard.web.routing import Context, Route, takes_gzip

_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
_DOCUMENTATION = re.compile(rb"^[ \t]*(?:/\*\*(?:(?!\*/).)*\*/[ \t]*(?=\n)|//[^\n]*)", re.M | re.S)
_CASTS = re.compile(rb"/\*\* @(?:type|satisfies) [^\n]*?\*/ ?")
_SHARED = re.compile(rb'(?:from|import)"\./(shared-[A-Z0-9]+\.js)"')
FOR_EVER = "public, max-age=31536000, immutable"


def folder(name: str) -> Path:
    """Return `templates` or `static`: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / name
    return inside if inside.is_dir() else package.parent / name


def _is_ours(file: Path) -> bool:
    return file.is_file() and not file.name.startswith(".")


class Assets:
    """The files below one folder. All share one version, so that modules may import each other by relative path."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._packed: dict[str, bytes] = {}
        self._files = {file.relative_to(root).as_posix(): file for file in sorted(root.rglob("*")) if _is_ours(file)}
        self.version = self._digest("")[:12]
        joined = self._files.get("built/sources.sha256")
        self.joined = joined is not None and joined.read_text("utf-8") == self._digest("js/", ".js")
        """Whether modules are there joined, and made from the ones that are there; else they are sent one by one."""
        self.shared = [f"built/{name}" for name in self._imported("built/main.js")] if self.joined else []
        """What the joined module of a page shares with what comes later, in files of their own."""
        self._versioned = f"/static/{self.version}/"

    def url(self, root_path: str, path: str) -> str:
        """Return the address of a file below a prefix, good for ever; of a module, of its joined form if it has one."""
        joined = path.replace("js/", "built/", 1)
        name = joined if self.joined and path.startswith("js/") and joined in self._files else path
        return f"{root_path}/static/{self.version}/{name}"

    def answer(self, path: str, *, packed: bool) -> Response:
        """Return a file; raise NotFound for anything that is not one of those listed at the start."""
        first, _, rest = path.partition("/")
        versioned = first == self.version
        name = rest if versioned else path
        file = self._files.get(name)
        if file is None:
            raise NotFound
        kind = _TYPES.get(file.suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        headers = {"Cache-Control": FOR_EVER if versioned else "no-cache", "Vary": "Accept-Encoding"}
        text = kind.startswith("text/") or file.suffix in _TYPES
        if packed and text:
            headers["Content-Encoding"] = "gzip"
            return Response(self.pack(name), 200, headers, content_type=f"{kind}; charset=utf-8")
        return Response(file.read_bytes(), 200, headers, content_type=f"{kind}; charset=utf-8" if text else kind)

    def kept(self, path: str, encodings: bytes) -> tuple[bytes, str] | None:
        """Return a file for ever and its type, packed, if that is what is asked for; None sends one the long way."""
        name = path.removeprefix(self._versioned)
        file = self._files.get(name) if name != path else None
        if file is None or file.suffix not in _TYPES or b"gzip" not in encodings or b"q=0" in encodings:
            return None
        return self.pack(name), _TYPES[file.suffix]

    def _imported(self, name: str) -> list[str]:
        """Return the names of the files that a joined one imports."""
        return sorted({found.decode() for found in _SHARED.findall(self._files[name].read_bytes())})

    def _digest(self, below: str, ending: str = "") -> str:
        """Return a digest of the files of a folder; of scripts that of `hatch_build.scripts_digest`."""
        digest = hashlib.sha256()
        for name, file in self._files.items():
            if name.startswith(below) and name.endswith(ending):
                digest.update(name.removeprefix(below).encode() + b"\0" + file.read_bytes())
        return digest.hexdigest()

    def pack(self, name: str) -> bytes:
        """Return a file for the wire: compressed, and of our scripts without their documentation and comments."""
        if name not in self._packed:
            content = self._files[name].read_bytes()
            if name.startswith("js/"):  # a third of our scripts is documentation, which no browser needs
                content = _CASTS.sub(b"", _DOCUMENTATION.sub(_blank, content))
            self._packed[name] = gzip.compress(content, 9, mtime=0)
        return self._packed[name]


def _blank(comment: re.Match[bytes]) -> bytes:
    """Return the line ends of a comment, so that the lines after it keep their numbers."""
    return b"\n" * comment.group().count(b"\n")


async def asset(context: Context, path: str) -> Response:
    """Serve a static file."""
    assets: Assets = current_app.extensions["assets"]
    return assets.answer(path, packed=takes_gzip(context.request))


ROUTES = (Route("/static/<path:path>", Role.ANYONE, asset),)

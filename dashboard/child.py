"""A command that runs as if nobody stood between it and the terminal, while what it prints is seen."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import selectors
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Callable, Sequence
from types import FrameType

Seen = Callable[[int, bytes], None]
"""Called with the stream (1 or 2) and what the command printed to it."""

_PIECE = 64 * 1024
_REST = 1024 * 1024  # bytes that are still passed through after the end, when some other process goes on printing
_PATIENCE = 0.05  # seconds in which the terminal's driver hands over what was printed last
_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_FROM_TERMINAL = (signal.SIGINT, signal.SIGQUIT)
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126  # as shells have it


class Child:
    """One command. `run` belongs in the main thread, for it takes the process's signals."""

    def __init__(self, command: Sequence[str], seen: Seen) -> None:
        self._command, self._seen = command, seen
        self._process: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self._sources: dict[int, int] = {}  # the stream that what is read belongs to
        self.fault = ""
        """Why the command could not be started; empty when it could."""
        self.killed_by: signal.Signals | None = None

    def run(self) -> int:
        """Run the command to its end; return its exit code, 128 and the signal's number when one killed it."""
        inner = self._open_streams()
        before = {number: signal.signal(number, self._forward) for number in _FORWARDED if _is_taken(number)}
        before[signal.SIGWINCH] = signal.signal(signal.SIGWINCH, self._resize)
        try:
            self._process = subprocess.Popen(self._command, stdout=inner.get(1), stderr=inner.get(2))
        except OSError as error:
            self.fault = f"{self._command[0]}: {error.strerror}"
            return _NOT_EXECUTABLE if error.errno in (errno.EACCES, errno.ENOEXEC) else _NOT_FOUND
        else:
            for fd in set(inner.values()):
                os.close(fd)
            inner = {}
            for number in self._early:
                self._process.send_signal(number)
            self._pass_through(self._process)
            return self._code(self._process.wait())
        finally:
            for fd in {*inner.values(), *self._sources}:
                os.close(fd)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _open_streams(self) -> dict[int, int]:
        """Return what the command gets for stdout and stderr, of the kind that we have, and one when ours are one."""
        if _is_open(1) and _is_open(2) and os.path.sameopenfile(1, 2):
            inner = self._open_stream(1)
            return {1: inner, 2: inner}
        return {stream: self._open_stream(stream) for stream in (1, 2) if _is_open(stream)}

    def _open_stream(self, stream: int) -> int:
        if os.isatty(stream):
            outer, inner = os.openpty()
            _copy_size(stream, outer)
            settings = termios.tcgetattr(inner)
            settings[1] &= ~termios.OPOST  # what the real terminal makes of it is its own affair
            termios.tcsetattr(inner, termios.TCSANOW, settings)
        else:
            outer, inner = os.pipe()
        self._sources[outer] = stream
        return inner

    def _pass_through(self, process: subprocess.Popen[bytes]) -> None:
        ended, end = os.pipe()
        threading.Thread(target=_tell_of_end, args=(process, end), name="end-of-command", daemon=True).start()
        with selectors.DefaultSelector() as selector:
            for fd in (ended, *self._sources):
                selector.register(fd, selectors.EVENT_READ)
            rest, patience = _REST, None
            while patience is None or (rest > 0 and selector.get_map()):
                ready = [key.fd for key, _ in selector.select(patience)]
                if patience is not None and not ready:
                    break
                for fd in ready:
                    count = self._pass_on(fd) if fd != ended else 0
                    if patience is not None:
                        rest -= count
                    if not count:
                        selector.unregister(fd)
                        self._sources.pop(fd, None)
                        os.close(fd)
                    if fd == ended:
                        patience = _PATIENCE

    def _pass_on(self, fd: int) -> int:
        """Pass on what can be read; return how many bytes, 0 when no more will come or nobody takes it.

        It is closed then, so that a command that goes on printing is told as if it had printed to our stream itself.
        """
        stream = self._sources[fd]
        try:
            data = os.read(fd, _PIECE)
        except OSError:  # EIO: nobody has the other side of a terminal open any more
            return 0
        self._seen(stream, data)
        return len(data) if _write(stream, data) else 0

    def _code(self, returncode: int) -> int:
        if returncode >= 0:
            return returncode
        self.killed_by = signal.Signals(-returncode)
        return 128 - returncode

    def _forward(self, number: int, frame: FrameType | None) -> None:
        if number in _FROM_TERMINAL and _in_foreground():
            return  # the terminal has sent it to the command as well
        if self._process is None:
            self._early.append(number)
        else:
            self._process.send_signal(number)

    def _resize(self, number: int, frame: FrameType | None) -> None:
        for outer, stream in self._sources.items():
            if os.isatty(stream):
                _copy_size(stream, outer)
        if self._process is not None:
            self._process.send_signal(number)


def _tell_of_end(process: subprocess.Popen[bytes], end: int) -> None:
    process.wait()
    os.close(end)


def _is_taken(number: int) -> bool:
    """Tell whether a signal does anything here: under nohup or in the background some are to be ignored."""
    return signal.getsignal(number) != signal.SIG_IGN


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def _copy_size(stream: int, outer: int) -> None:
    size = fcntl.ioctl(stream, termios.TIOCGWINSZ, struct.pack("HHHH", 0, 0, 0, 0))
    fcntl.ioctl(outer, termios.TIOCSWINSZ, size)


def _in_foreground() -> bool:
    """Tell whether keys of the terminal signal this process, and with it the command."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def _write(stream: int, data: bytes) -> bool:
    """Write all of `data`, however slowly it is taken; return whether it was."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(stream, view) :]
        except BlockingIOError:
            select.select([], [stream], [])
        except OSError:
            return False
    return True

"""How a collector in a server under test gets at that server's event loop, which it otherwise cannot touch."""

from __future__ import annotations

SERVERS_LOOP = """
import sys
import threading

_frame = sys._current_frames()[threading.main_thread().ident]
while _frame.f_code.co_name != "run_forever":
    _frame = _frame.f_back
servers_loop = _frame.f_locals["self"]
del _frame
"""
"""The beginning of its file: the loop runs in the main thread, which waits for the import meanwhile."""

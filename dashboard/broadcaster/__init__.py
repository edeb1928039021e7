"""The one log and its many cursors: a viewer is a position and a filter, nothing more."""

from __future__ import annotations

from dashboard.broadcaster.core import Broadcaster
from dashboard.broadcaster.cursor import PIECE, Cursor

__all__ = ["PIECE", "Broadcaster", "Cursor"]

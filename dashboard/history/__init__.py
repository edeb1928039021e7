"""Every series on disk: appended to once a second, packed into chunks of columns, rolled up in tiers, read by span."""

from dashboard.history.core import History, kept
from dashboard.history.nouns import Busy, Known, Minute, Points, Reading, Stretch, Take

__all__ = ["Busy", "History", "Known", "Minute", "Points", "Reading", "Stretch", "Take", "kept"]

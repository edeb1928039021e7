"""A real-time metrics dashboard whose screens are true now, or say that they are not, and why."""

__version__ = "0.1.0"

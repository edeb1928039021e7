"""A time zone for pages whose times are to have no day beside them, whenever a test runs."""

from __future__ import annotations

import time


def noon_zone() -> tuple[str, int]:
    """Return the name of a zone in which it is about noon, and by how many seconds its clocks are ahead of UTC.

    A page that shows time from before midnight tells the day of each moment, too.
    """
    hours = 12 - time.gmtime().tm_hour
    # In these names what is ahead has a minus.
    return f"Etc/GMT{-hours:+}", 3600 * hours

# SPDX-License-Identifier: GPL-2.0-only
"""The time by which a run of many machines has to be over."""

import os
import time

from cache import Missing

LATE = "too late: the time for the whole run is over (IOMMUFD_DEADLINE)"


def seconds_left():
    """How long until then; None without such a time."""
    deadline = os.environ.get("IOMMUFD_DEADLINE")
    return int(deadline) - time.time() if deadline else None


def check_deadline():
    """Raises Missing once the run that this is part of has no time for another machine."""
    left = seconds_left()
    if left is not None and left < 0:
        raise Missing(LATE)

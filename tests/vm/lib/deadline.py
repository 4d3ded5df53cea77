# SPDX-License-Identifier: GPL-2.0-only
"""The time by which a run of many machines has to be over."""

import os
import time

from cache import Missing


def check_deadline():
    """Raises Missing once the run that this is part of has no time for another machine."""
    deadline = os.environ.get("IOMMUFD_DEADLINE")
    if deadline and time.time() > int(deadline):
        raise Missing("too late: the time for the whole run is over (IOMMUFD_DEADLINE)")

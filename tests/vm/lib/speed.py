#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""How much longer things take here and now than on an idle machine; prints it as a script.

Time limits are meant for an idle machine and are multiplied by this, so that a busy or a slow
one is late and not wrong.  A short fixed job is timed at the niceness of builds and machines.
"""

import os
import subprocess
import sys

JOB = """
import time
began, n = time.monotonic(), 0
for k in range(400000):
    n = n * 3 + k & 0xffffff
print(time.monotonic() - began)
"""
USUAL = 0.06        # seconds that the job takes at most on an idle machine
MOST = 30


def slowness():
    """The factor, from 1 to MOST."""
    done = subprocess.run(["nice", sys.executable, "-ISc", JOB], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    seconds = float(done.stdout) if done.returncode == 0 else USUAL
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    # Two machines on two CPUs are what limits are made for.
    return min(MOST, max(1.0, seconds / USUAL, load / 2))


if __name__ == "__main__":
    print(f"{slowness():.1f}")

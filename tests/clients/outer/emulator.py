# SPDX-License-Identifier: GPL-2.0-only
"""A QEMU with an inner machine: its monitor and its serial port."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import time

QEMU = "/usr/bin/qemu-system-" + os.uname().machine
FACTOR = int(os.environ.get("TIME_FACTOR", "1")) * int(os.environ.get("SLOWNESS", "1"))


class Broken(Exception):
    """A check's failure, in a sentence."""


class Channel:
    """A socket of which QEMU has the other end, read in lines."""

    def __init__(self, ours):
        self.ours = ours
        self.rest = b""

    @classmethod
    def pair(cls):
        """One, and the end for QEMU."""
        ours, theirs = socket.socketpair()
        return cls(ours), theirs

    def line(self, deadline):
        """The next line; None when there is none until the deadline."""
        while b"\n" not in self.rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.ours], [], [], left)[0]:
                return None
            data = self.ours.recv(65536)
            if not data:
                raise Broken("QEMU is gone")
            self.rest += data
        line, _, self.rest = self.rest.partition(b"\n")
        return line.decode(errors="replace").strip("\r")

    def write(self, text):
        """Sends a line."""
        self.ours.sendall(text.encode() + b"\n")


class Inner:
    """An inner machine that says something on its serial port."""

    def __init__(self, serial):
        self.serial = serial
        self.said = []          # by the inner machine

    def log(self):
        """What QEMU said on its standard error, in lines."""
        raise NotImplementedError

    def ended(self):
        """Waits for the end of a QEMU whose channels are closed; returns its exception."""
        raise NotImplementedError

    def why(self, text):
        """An exception with all that is known."""
        return Broken(". ".join(filter(None, [
            text, "; ".join(self.log()[-4:]), " | ".join(self.said[-6:])])))

    def wait_line(self, text, seconds):
        """Waits until the inner machine says text; returns what it said before."""
        start, deadline = len(self.said), time.monotonic() + seconds * FACTOR
        while True:
            try:
                line = self.serial.line(deadline)
            except (Broken, ConnectionError):
                raise self.ended() from None
            if line is None:
                raise self.why(f"no '{text}' within {seconds * FACTOR} s")
            self.said.append(line)
            if line.startswith(text):
                return self.said[start:]

    def heard(self):
        """What the inner machine said last, in lines, with what nobody has waited for."""
        with contextlib.suppress(Broken, ConnectionError):
            while (line := self.serial.line(time.monotonic() + 0.2)) is not None:
                self.said.append(line)
        return self.said[-20:]

    def shell(self, line, seconds=60):
        """Has the inner Linux run a line; returns what that printed."""
        self.serial.write(line)
        *said, status = self.wait_line("inner: status", seconds)
        if status != "inner: status 0":
            raise Broken(f"{line}: {status.rpartition(' ')[2]}: {' | '.join(said[-6:])}")
        return "\n".join(said)


class Emulator(Inner):
    """One process; how it starts is subprocess's, but for files, which it inherits."""
    number = 0          # of those there were

    def __init__(self, arguments, **how):
        self.monitor, monitor = Channel.pair()
        ours, serial = Channel.pair()
        super().__init__(ours)
        theirs = [monitor, serial]
        files = how.pop("files", [])
        Emulator.number += 1
        self.log_file = f"/tmp/qemu-{Emulator.number}.log"
        command = [QEMU, "-nodefaults", "-no-user-config", "-display", "none",
                   "-chardev", f"socket,id=monitor,fd={monitor.fileno()}",
                   "-mon", "chardev=monitor,mode=control",
                   "-chardev", f"socket,id=serial,fd={serial.fileno()}",
                   "-serial", "chardev:serial", *arguments]
        self.events = []
        with open(self.log_file, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(        # pylint: disable=consider-using-with
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **how,
                pass_fds=[s.fileno() for s in theirs] + files)
        for one in theirs:
            one.close()
        self.command("qmp_capabilities")

    @property
    def pid(self):
        """Of QEMU."""
        return self.process.pid

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as log:
            return log.read().splitlines()

    def ended(self):
        self.process.wait()
        return self.why(f"QEMU ended with {self.process.returncode}")

    def message(self, seconds):
        """The next message of the monitor."""
        try:
            line = self.monitor.line(time.monotonic() + seconds * FACTOR)
        except (Broken, ConnectionError):
            raise self.ended() from None
        if line is None:
            raise self.why(f"QEMU's monitor says nothing for {seconds * FACTOR} s")
        return json.loads(line)

    def command(self, name, **arguments):
        """Has QEMU do something; returns its answer."""
        request = {"execute": name}
        if arguments:
            request["arguments"] = arguments
        try:
            self.monitor.write(json.dumps(request))
        except ConnectionError:
            raise self.ended() from None
        while True:
            answer = self.message(60)
            if "error" in answer:
                raise self.why(f"{name}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
            if "event" in answer:
                self.events.append(answer)

    def wait_event(self, name, seconds, **data):
        """Waits for an event with these data."""
        def fits(event):
            return event.get("event") == name and data.items() <= event["data"].items()

        while not any(fits(e) for e in self.events):
            self.events.append(self.message(seconds))
        self.events = []

    def quit(self):
        """Ends it in the orderly way."""
        self.command("quit")
        status = self.process.wait(60 * FACTOR)
        if status:
            raise self.why(f"QEMU ended with {status}")

    def kill(self):
        """Ends it in the other way, if it still runs."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()

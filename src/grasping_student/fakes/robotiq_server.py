"""A fake Robotiq 2F-85 behind the ASCII protocol of port 63352."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

STROKE_MM = 85.0
TOUCHING = 230
"""Position count at which the empty fingers touch; open is 3, as on a real 2F-85."""

OPEN = 3
COUNTS_PER_SECOND = 330.0
"""At full speed: 85 mm in 0.7 s."""


class FakeGripper:
    """Registers and fingers; ``object_mm`` is the width of what stands between the fingers, None for nothing."""

    def __init__(self, speedup: float = 1.0) -> None:
        self.speedup = speedup
        self.object_mm: float | None = None
        self.registers = {"ACT": 0, "GTO": 0, "ATR": 0, "POS": 0, "SPE": 0, "FOR": 0}
        self.fault: str = "0"
        self.senseless: dict[str, str] = {}
        """Answers that override the true ones, by register."""
        self.emergency = self.silent = self.garbled = False
        self.stuck = self.never_active = self.drop_next = False
        self.closed_reports_object = False
        self.on_close: Callable[[], None] = lambda: None
        self.on_open: Callable[[], None] = lambda: None
        self.closes = 0
        self._position, self._status, self._contact = 0.0, 0, 0
        self._activation = 0.0
        self._last = time.monotonic()

    @property
    def stroke_mm(self) -> float:
        """Opening of the fingers."""
        return (TOUCHING - self._position) * STROKE_MM / (TOUCHING - OPEN)

    def set(self, values: dict[str, int]) -> None:
        """A SET command."""
        self.advance()
        was_target = self.registers["POS"]
        self.registers.update(values)
        if self.registers["ACT"] == 0:
            self._status, self._activation = 0, time.monotonic()
        elif "ACT" in values and self._status == 0:
            self._status, self._activation = 1, time.monotonic()
        if "POS" in values and self.registers["GTO"] == 1:
            closing = values["POS"] > was_target and values["POS"] >= TOUCHING
            if closing:
                self.closes += 1
                self.on_close()
            elif values["POS"] < self._position:
                self.on_open()
            if values["POS"] != was_target:
                self._contact = 0

    def get(self, name: str) -> str:
        """The value after a GET command."""
        self.advance()
        if self.emergency:
            return "?"
        values: dict[str, object] = {
            **self.registers,
            "STA": self._status,
            "OBJ": self._contact,
            "FLT": self.fault,
            "PRE": self.registers["POS"],
            "POS": round(self._position),
            "COU": 0,
        }
        return self.senseless.get(name, str(values[name]))

    def lose_object(self) -> None:
        """Drop what is held; the fingers close on."""
        self.object_mm, self._contact = None, 0

    def advance(self) -> None:
        """Move the fingers up to now."""
        now = time.monotonic()
        seconds, self._last = (now - self._last) * self.speedup, now
        if self._status == 1 and (now - self._activation) * self.speedup > 0.8 and not self.never_active:
            self._status, self._position = 3, float(OPEN)
        if self._status != 3 or self.registers["GTO"] == 0 or self.stuck or self.fault != "0":
            return
        target = float(max(OPEN, self.registers["POS"]))
        reach = COUNTS_PER_SECOND * seconds * max(self.registers["SPE"], 1) / 255.0
        if target < self._position:
            self._position = max(target, self._position - reach)
            self._contact = 3 if self._position <= target else 0
            return
        limit, met = float(TOUCHING), 2 if self.closed_reports_object else 3
        if self.object_mm is not None and self.object_mm > 0.0:
            limit, met = TOUCHING - self.object_mm * (TOUCHING - OPEN) / STROKE_MM, 2
        self._position = max(self._position, min(target, limit, self._position + reach))
        if self._position >= min(target, limit):
            self._contact = met if target > limit else 3
        else:
            self._contact = 0


async def serve(gripper: FakeGripper, host: str, port: int) -> asyncio.Server:
    """Answer SET and GET lines until the server is closed."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                while gripper.silent:
                    await asyncio.sleep(0.01)
                writer.write(answer(gripper, line.decode("ascii", "replace").split()).encode() + b"\n")
                if gripper.drop_next:
                    gripper.drop_next = False
                    writer.transport.abort()
        except ConnectionError:
            pass  # the client went away
        finally:
            writer.close()

    return await asyncio.start_server(handle, host, port)


def answer(gripper: FakeGripper, words: list[str]) -> str:
    """The reply line to one command line."""
    if gripper.garbled:
        return "@#!"
    try:
        if words[0] == "SET":
            values = {name: int(value) for name, value in zip(words[1::2], words[2::2], strict=True)}
            if not values or not set(values) <= set(gripper.registers):
                return "nack"
            gripper.set(values)
            return "ack"
        if words[0] == "GET":
            return f"{words[1]} {gripper.get(words[1])}"
    except (IndexError, KeyError, ValueError):
        return "nack"
    return "nack"

"""The three ports of a fake UR controller: RTDE 30004, script 30003, dashboard 29999."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from grasping_student.fakes import rtde_wire as wire
from grasping_student.fakes.ur_controller import (
    IDLE,
    NORMAL,
    PLAYING,
    POWER_OFF,
    PROTECTIVE_STOP,
    RUNNING,
    FakeController,
)

RTDE_PORT, SCRIPT_PORT, DASHBOARD_PORT = 30004, 30003, 29999
TICK = 0.004
"""Seconds between two steps of the controller; RTDE clients get every second one (125 Hz)."""

_ROBOT_MODES = {POWER_OFF: "POWER_OFF", IDLE: "IDLE", RUNNING: "RUNNING"}
_SAFETY_MODES = {NORMAL: "NORMAL", PROTECTIVE_STOP: "PROTECTIVE_STOP"}


class UrServers:
    """Serves one controller on one loopback address; the ports are those of the real machine.

    Attributes:
        frozen: nothing is sent or read while True, as if the cable had been pulled; sockets stay open.
        mute: RTDE data stops while the controller goes on, as if it had hung.
    """

    def __init__(self, controller: FakeController, host: str) -> None:
        self.controller, self.host = controller, host
        self.frozen = self.mute = False
        self._servers: list[asyncio.Server] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._subscribers: dict[asyncio.StreamWriter, wire.Recipe] = {}
        self._control_client: asyncio.StreamWriter | None = None

    async def start(self) -> None:
        """Listen on all three ports."""
        for port, handler in ((RTDE_PORT, self._rtde), (SCRIPT_PORT, self._script), (DASHBOARD_PORT, self._dashboard)):
            self._servers.append(await asyncio.start_server(self._tracked(handler), self.host, port))

    async def drop(self, seconds: float) -> None:
        """Cut every connection and take no new one for a while."""
        for server in self._servers:
            server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        self._servers, self._control_client = [], None
        await asyncio.sleep(seconds)
        await self.start()

    async def run(self) -> None:
        """Advance the controller and publish its state for ever."""
        loop = asyncio.get_running_loop()
        before, odd = loop.time(), False
        while True:
            await asyncio.sleep(TICK)
            now = loop.time()
            if now - before > 0.03 and self._control_client is not None:  # nobody there needs no forgiving
                self.controller.forgive(now - before)
            self.controller.tick(min(now - before, 0.05))
            before, odd = now, not odd
            if odd and not self.frozen and not self.mute:
                outputs = self.controller.outputs()
                for writer, recipe in list(self._subscribers.items()):
                    if not writer.is_closing():
                        writer.write(wire.frame(wire.DATA_PACKAGE, recipe.pack(outputs)))

    def _tracked(
        self, handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
    ) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._writers.add(writer)
            try:
                await handler(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass  # the client went away
            finally:
                self._writers.discard(writer)
                self._subscribers.pop(writer, None)
                if self._control_client is writer:
                    self._control_client = None
                writer.close()

        return handle

    async def _thaw(self) -> None:
        while self.frozen:
            await asyncio.sleep(0.01)

    async def _rtde(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inputs: dict[int, wire.Recipe] = {}
        outputs: wire.Recipe | None = None
        while True:
            size, kind = wire.HEADER.unpack(await reader.readexactly(wire.HEADER.size))
            body = await reader.readexactly(size - wire.HEADER.size)
            await self._thaw()
            if kind == wire.PROTOCOL_VERSION:
                answer = b"\x01"
            elif kind == wire.CONTROLLER_VERSION:
                answer = b"".join(number.to_bytes(4, "big") for number in (5, 12, 0, 1101319))
            elif kind == wire.SETUP_OUTPUTS:
                outputs = wire.Recipe(1, wire.split_names(body[8:]))
                answer = b"\x01" + ",".join(outputs.types).encode()
            elif kind == wire.SETUP_INPUTS:
                answer = self._setup_inputs(inputs, wire.split_names(body), writer)
            elif kind == wire.START:
                answer = b"\x01"
                if outputs is not None:
                    self._subscribers[writer] = outputs
            elif kind == wire.PAUSE:
                answer = b"\x01"
                self._subscribers.pop(writer, None)
            elif kind == wire.DATA_PACKAGE:
                self.controller.write_inputs(inputs[body[0]].unpack(body[1:]))
                continue
            else:
                continue
            writer.write(wire.frame(kind, answer))

    def _setup_inputs(self, inputs: dict[int, wire.Recipe], names: list[str], writer: asyncio.StreamWriter) -> bytes:
        """Registers belong to the first client that asks for them, as on the real controller."""
        if self._control_client not in (None, writer):
            return b"\x00" + ",".join("IN_USE" for _ in names).encode()
        self._control_client = writer
        recipe = wire.Recipe(len(inputs) + 1, names)
        inputs[recipe.number] = recipe
        return bytes([recipe.number]) + ",".join(recipe.types).encode()

    async def _script(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        text = b""
        while chunk := await reader.read(65536):
            await self._thaw()
            text += chunk
            if text.rstrip().endswith(b"\nend"):
                self.controller.upload()
                text = b""

    async def _dashboard(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._thaw()
        writer.write(b"Connected: Universal Robots Dashboard Server\n")
        while line := await reader.readline():
            await self._thaw()
            writer.write(self._dashboard_answer(line.decode("ascii", "replace").strip()).encode() + b"\n")

    def _dashboard_answer(self, command: str) -> str:
        arm = self.controller
        mode = _ROBOT_MODES.get(arm.robot_mode, "UNKNOWN")
        safety = _SAFETY_MODES.get(arm.safety_mode, "ROBOT_EMERGENCY_STOP")
        if command == "stop":
            arm.stop_program()
        elif command == "unlock protective stop":
            return arm.unlock_protective_stop()
        elif command == "power on" and arm.safety_mode == NORMAL and arm.robot_mode == POWER_OFF:
            arm.robot_mode = IDLE
        elif command == "brake release" and arm.safety_mode == NORMAL and arm.robot_mode in (POWER_OFF, IDLE):
            arm.robot_mode = RUNNING
        answers = {
            "PolyscopeVersion": "URSoftware 5.12.0.1101319 (Mar 22 2022)",
            "get serial number": "20225500001",
            "get robot model": "UR5",
            "is in remote control": "true",
            "robotmode": f"Robotmode: {mode}",
            "safetystatus": f"Safetystatus: {safety}",
            "safetymode": f"Safetymode: {safety}",
            "running": f"Program running: {str(arm.runtime_state == PLAYING).lower()}",
            "programState": "PLAYING rtde_control.urp" if arm.runtime_state == PLAYING else "STOPPED rtde_control.urp",
            "stop": "Stopped",
            "close safety popup": "closing safety popup",
            "power on": "Powering on",
            "brake release": "Brake releasing",
            "quit": "Disconnected",
        }
        return answers.get(command, f'could not understand: "{command}"')

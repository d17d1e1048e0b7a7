"""A line of JSON in, a line of JSON out: how tests set faults on the fakes and read their black box."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from grasping_student.fakes.robotiq_server import FakeGripper
from grasping_student.fakes.ur_servers import UrServers

Action = Callable[..., Any]


class ControlPort:
    """Dispatches named actions; each takes plain values and returns plain values."""

    def __init__(self, ur: UrServers, gripper: FakeGripper) -> None:
        self._ur, self._gripper = ur, gripper
        self._background: set[asyncio.Task[None]] = set()
        arm = ur.controller
        self.actions: dict[str, Action] = {
            "protective_stop": arm.protective_stop,
            "emergency_stop": arm.emergency_stop,
            "release_emergency_stop": arm.release_emergency_stop,
            "stop_program": arm.stop_program,
            "drop_link": self._drop_link,
            "restart": self._restart,
            "freeze": lambda on: setattr(ur, "frozen", on),
            "mute": lambda on: setattr(ur, "mute", on),
            "nan_state": lambda on: setattr(arm, "nan_state", on),
            "senseless": lambda values: setattr(arm, "senseless", values),
            "robot_mode": lambda mode: setattr(arm, "robot_mode", mode),
            "surface": self._surface,
            "place_tool": self._place_tool,
            "gripper": self._set_gripper,
            "lose_object": gripper.lose_object,
            "report": self._report,
        }

    async def serve(self, host: str, port: int = 0) -> int:
        """Listen; returns the port."""
        server = await asyncio.start_server(self._handle, host, port)
        return int(server.sockets[0].getsockname()[1])

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                request = json.loads(line)
                try:
                    result = self.actions[request["do"]](**request.get("with", {}))
                    if asyncio.iscoroutine(result):
                        result = await result
                    reply = {"result": result}
                except Exception as error:  # every error belongs to the asking test, none may end the fakes
                    reply = {"error": f"{type(error).__name__}: {error}"}
                writer.write(json.dumps(reply).encode() + b"\n")
                await writer.drain()
        except ConnectionError:
            pass  # the test went away
        finally:
            writer.close()

    def _later(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _drop_link(self, seconds: float = 0.5) -> None:
        self._later(self._ur.drop(seconds))

    def _restart(self, seconds: float = 0.5) -> None:
        self._ur.controller.restart()
        self._drop_link(seconds)

    def _surface(self, height: float | None) -> None:
        self._ur.controller.surface = lambda pose: height

    def _place_tool(self, pose: list[float]) -> None:
        self._ur.controller.motion.go(pose, 1.0, 1.0)
        self._ur.controller.motion.advance(1e6)

    def _set_gripper(self, **values: Any) -> None:
        for name, value in values.items():
            if not hasattr(self._gripper, name):
                raise ValueError(f"the fake gripper has no '{name}'")
            setattr(self._gripper, name, value)

    def _report(self) -> dict[str, Any]:
        arm, gripper = self._ur.controller, self._gripper
        gripper.advance()
        return {
            "pose": arm.motion.pose.tolist(),
            "moving": arm.motion.moving,
            "runtime_state": arm.runtime_state,
            "safety_mode": arm.safety_mode,
            "robot_mode": arm.robot_mode,
            "stroke_mm": gripper.stroke_mm,
            "closes": gripper.closes,
            "lowest": arm.black_box.lowest,
            "highest": arm.black_box.highest,
            "top_speed": arm.black_box.top_speed,
            "moves": arm.black_box.moves,
            "violations": arm.black_box.violations,
        }

"""The inside of a fake UR controller: program, registers, motion, safety. It has no sockets; ``ur_servers`` has."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from grasping_student.fakes.straight_motion import StraightMotion

STOPPED, PLAYING = 1, 2
"""Values of ``runtime_state``."""

READY, DONE = 1, 2
"""Values that the client's control program writes to its first output register."""

POWER_OFF, IDLE, RUNNING = 3, 5, 7
"""Values of ``robot_mode``."""

NORMAL, PROTECTIVE_STOP, ROBOT_EMERGENCY_STOP = 1, 3, 7
"""Values of ``safety_mode``."""

HOME_POSE = (0.0, -0.45, 0.40, math.pi, 0.0, 0.0)
PROTECTIVE_FORCE = 150.0
"""Contact force at which the controller stops by itself, newtons."""


@dataclass
class BlackBox:
    """Commands to the arm and the path that it really took: the witness of the safety tests."""

    lowest: list[float] = field(default_factory=lambda: [math.inf] * 3)
    highest: list[float] = field(default_factory=lambda: [-math.inf] * 3)
    top_speed: float = 0.0
    moves: list[dict[str, Any]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def see(self, position: list[float], speed: float) -> None:
        """Keep the extremes of the tool's path."""
        self.lowest = [min(a, b) for a, b in zip(self.lowest, position, strict=True)]
        self.highest = [max(a, b) for a, b in zip(self.highest, position, strict=True)]
        self.top_speed = max(self.top_speed, speed)


class FakeController:
    """A UR5e as its clients see it, advanced by ``tick``.

    Args:
        speedup: how much faster than real time the arm moves; speeds stay as commanded.
        force_offset: reading of the force sensor before it is zeroed, newtons.
    """

    def __init__(self, speedup: float = 1.0, force_offset: float = 4.0) -> None:
        self.speedup = speedup
        self.motion = StraightMotion(HOME_POSE)
        self.registers: dict[str, float] = {}
        self.runtime_state = STOPPED
        self.robot_mode, self.safety_mode = RUNNING, NORMAL
        self.black_box = BlackBox()
        self.surface: Callable[[list[float]], float | None] = lambda pose: None
        self.on_move: Callable[[list[float], list[float]], None] = lambda start, target: None
        self.on_tick: Callable[[list[float]], None] = lambda pose: None
        self.held_back = False
        """True while the simulator still works out what a move will meet: the arm waits where it is."""
        self.contact_stiffness = 5000.0
        self.nan_state = False
        self.senseless: dict[str, Any] = {}
        """Outputs that override the true ones, by name."""
        self._raw_offset, self._zero = force_offset, 0.0
        self._started = time.monotonic()
        self._last_input = self._started
        self._watchdog_hz = 0.0
        self._stopped_at = -math.inf
        self._executing = self._waiting_for_motion = self._async_running = False
        self._async_count = self._async_id = 0

    # Inputs of the servers

    def write_inputs(self, values: dict[str, Any]) -> None:
        """A data package of the client arrived."""
        self._last_input = time.monotonic()
        for name, value in values.items():
            if isinstance(value, float) and not math.isfinite(value):
                self.black_box.violations.append(f"{name} = {value}")
        self.registers.update(values)

    def forgive(self, seconds: float) -> None:
        """This process itself was held up: its clients are not to blame for the silence."""
        self._last_input += seconds

    def upload(self) -> None:
        """The client's control program arrived complete: it replaces the running one."""
        if self.robot_mode == RUNNING and self.safety_mode == NORMAL:
            self.stop_program()
            self.runtime_state = PLAYING
            self._watchdog_hz = 0.0
            self._executing = self._waiting_for_motion = False
            self.registers["output_int_register_0"] = READY

    def stop_program(self) -> None:
        """End the program; the arm brakes."""
        self.runtime_state = STOPPED
        self._async_running = False
        self.registers["output_int_register_0"] = 0
        self.motion.halt(20.0)

    # Safety

    def protective_stop(self) -> None:
        """As if the arm had hit something."""
        self._safety_stop(PROTECTIVE_STOP, self.robot_mode)

    def emergency_stop(self) -> None:
        """As if the red button had been pressed: power goes."""
        self._safety_stop(ROBOT_EMERGENCY_STOP, POWER_OFF)

    def _safety_stop(self, safety_mode: int, robot_mode: int) -> None:
        self.safety_mode, self.robot_mode = safety_mode, robot_mode
        self._stopped_at = time.monotonic()
        self.stop_program()
        self.motion.freeze()

    def unlock_protective_stop(self) -> str:
        """Unlock and return the dashboard's answer; refused in the first five seconds (faster by ``speedup``)."""
        if time.monotonic() - self._stopped_at < 5.0 / self.speedup:
            return "Cannot unlock protective stop until 5s after occurrence"
        if self.safety_mode == PROTECTIVE_STOP:
            self.safety_mode = NORMAL
        return "Protective stop releasing"

    def release_emergency_stop(self) -> None:
        """Turn the red button back; the arm stays without power."""
        if self.safety_mode == ROBOT_EMERGENCY_STOP:
            self.safety_mode = NORMAL

    def restart(self) -> None:
        """Switch off and on again: no program, no power on the arm's motors until it is asked for."""
        self.stop_program()
        self.motion.freeze()
        self.registers.clear()
        self.robot_mode = POWER_OFF
        self._started = time.monotonic()

    # Time

    def tick(self, seconds: float) -> None:
        """Let real time pass."""
        if not self.held_back:
            self.motion.advance(seconds * self.speedup)
        pose = self.motion.pose.tolist()
        self.on_tick(pose)
        self.black_box.see(pose[:3], self.motion.speed)
        if self._contact_force(pose) > PROTECTIVE_FORCE and self.safety_mode == NORMAL:
            self.protective_stop()
        if self.runtime_state != PLAYING:
            return
        if self._watchdog_hz > 0.0 and time.monotonic() - self._last_input > 1.0 / self._watchdog_hz:
            self.stop_program()
            return
        if self._async_running and not self.motion.moving:
            self._async_running = False
            self._write_async_status()
        self._step_program()

    def _step_program(self) -> None:
        command = int(self.registers.get("input_int_register_0", 0))
        if self._waiting_for_motion:
            if not self.motion.moving:
                self._waiting_for_motion = False
                self.registers["output_int_register_0"] = DONE
        elif self._executing:
            if command == 0:
                self._executing = False
                self.registers["output_int_register_0"] = READY
        elif command != 0:
            self._executing = True
            self._process(command)
            if self.runtime_state == PLAYING and not self._waiting_for_motion:
                self.registers["output_int_register_0"] = DONE

    def _process(self, command: int) -> None:
        """One command of the client's control program, by its number."""
        if command == 3:
            self._move_linear()
        elif command in (33, 34):
            self.motion.halt(self._double(0))
            self._waiting_for_motion = self._int(1) == 0
        elif command == 8:
            self._zero = self._raw_offset
        elif command == 35:
            self._watchdog_hz = self._double(0)
        elif command == 31:
            self.protective_stop()
        elif command in (17, 18, 19, 29, 52, 53):  # payload, teach mode, tool centre, freedrive
            pass
        else:  # 255, the client's own stop; anything else is a program error on the real machine too
            if command != 255:
                self.black_box.violations.append(f"unknown command {command}")
            self.stop_program()

    def _move_linear(self) -> None:
        target = [self._double(index) for index in range(6)]
        speed, acceleration = self._double(6), self._double(7)
        if not all(map(math.isfinite, [*target, speed, acceleration])) or speed <= 0.0:
            self.black_box.violations.append(f"move to {target} at {speed}")
            self.protective_stop()
            return
        self.black_box.moves.append({"target": target, "speed": speed})
        self.on_move(self.motion.pose.tolist(), target)
        self.motion.go(target, speed, acceleration)
        if self._int(1) == 1:
            self._async_running = True
            self._async_id = (self._async_id + 1) % 128
            self._write_async_status()
        else:
            self._waiting_for_motion = True

    def _write_async_status(self) -> None:
        self._async_count = (self._async_count + 1) % 128
        word = self._async_id << 24 | self._async_count << 16 | (0x8000 if self._async_running else 0)
        self.registers["output_int_register_2"] = word

    def _double(self, index: int) -> float:
        return float(self.registers.get(f"input_double_register_{index}", 0.0))

    def _int(self, index: int) -> int:
        return int(self.registers.get(f"input_int_register_{index}", 0))

    # Outputs

    def _contact_force(self, pose: list[float]) -> float:
        surface = self.surface(pose)
        return 0.0 if surface is None else max(0.0, self.contact_stiffness * (surface - pose[2]))

    def outputs(self) -> dict[str, Any]:
        """Every variable that clients may ask for."""
        pose = self.motion.pose.tolist()
        safe = self.safety_mode == NORMAL
        emergency = self.safety_mode == ROBOT_EMERGENCY_STOP
        bits = safe | (self.safety_mode == PROTECTIVE_STOP) << 2 | emergency << 6 | emergency << 7
        force = self._contact_force(pose) + self._raw_offset - self._zero
        position = [math.nan] * 6 if self.nan_state else pose
        return {
            **self.registers,
            "timestamp": time.monotonic() - self._started,
            "actual_TCP_pose": position,
            "target_TCP_pose": pose,
            "actual_TCP_speed": [*self.motion.velocity.tolist(), 0.0, 0.0, 0.0],
            "actual_TCP_force": [0.0, 0.0, force, 0.0, 0.0, 0.0],
            "actual_q": np.zeros(6).tolist(),
            "robot_mode": self.robot_mode,
            "safety_mode": self.safety_mode,
            "safety_status_bits": int(bits) | (0 if safe else 1 << 10),
            "robot_status_bits": (self.robot_mode == RUNNING) | (self.runtime_state == PLAYING) << 1,
            "runtime_state": self.runtime_state,
            "speed_scaling": 1.0,
            "target_speed_fraction": 1.0,
            **self.senseless,
        }

"""Universal Robots UR5e. The vendor's client runs in a child process (``ur5e_worker.py``); this side never hangs."""

from __future__ import annotations

import math
import subprocess
import time
from dataclasses import dataclass
from typing import Any

from grasping_student.pipeline.errors import require_extra
from grasping_student.robots.arms import ur_dashboard
from grasping_student.robots.arms.base import Arm, ArmConfig, ArmState, Descent, register_arm
from grasping_student.robots.arms.ur5e_link import ANSWER_TIMEOUT, WorkerLink, wait_until
from grasping_student.robots.connection import DeviceLock, check_host
from grasping_student.robots.faults import ArmFault, Fault
from grasping_student.robots.pose import ToolPose

_MODES = {
    -1: "without controller",
    0: "disconnected",
    1: "waiting for safety to be confirmed",
    2: "booting",
    3: "powered off",
    4: "powering on",
    5: "idle",
    6: "in backdrive",
    7: "running",
    8: "updating firmware",
}
_STOPS = {3: "protective stop", 5: "safeguard stop", 6: "emergency stop", 7: "emergency stop", 8: "violation"}
_NORMAL = (1, 2)
"""Safety modes in which the arm may move: normal and reduced."""

POSITION_TOLERANCE = 0.002
"""A move that ends farther than this from its target has failed, metres."""


@register_arm("ur5e")
@dataclass(frozen=True)
class Ur5eConfig(ArmConfig):
    """Address and time limits of a UR5e."""

    host: str = "192.168.1.10"
    """Address of the controller."""

    watchdog_frequency: float = 10.0
    """Our packages come at least this often, hertz; without them the controller stops the arm by itself."""

    stale_after: float = 0.2
    """A state older than this stops the arm, seconds."""

    connect_timeout: float = 10.0
    """Longest wait for the controller's program to start, seconds."""

    def __post_init__(self) -> None:
        check_host(self.host)
        if not 0.0 < self.stale_after <= 2.0:
            raise ValueError(f"stale_after is {self.stale_after} s; valid is more than 0 and at most 2")
        if not 1.0 <= self.connect_timeout <= 60.0:
            raise ValueError(f"connect_timeout is {self.connect_timeout} s; valid is 1 to 60")
        if not 0.5 <= self.watchdog_frequency <= 50.0:
            raise ValueError(f"watchdog_frequency is {self.watchdog_frequency} Hz; valid is 0.5 to 50")

    def make(self) -> Arm:
        return Ur5e(self)

    def brake(self) -> bool:
        return ur_dashboard.stop_program(self.host) is not None

    def status(self) -> str:
        return ur_dashboard.describe(self.host)

    def serial(self) -> str:
        return ur_dashboard.serial(self.host)


class Ur5e(Arm):
    """Driver of a UR5e; see ``Arm`` for the methods."""

    def __init__(self, config: Ur5eConfig) -> None:
        self._config = config
        self._lock = DeviceLock("UR arm", config.host)
        self._link: WorkerLink | None = None

    @property
    def driver_process(self) -> subprocess.Popen[bytes] | None:
        """The child process, for tests that kill it."""
        return None if self._link is None else self._link.process

    def connect(self) -> None:
        if self._link is not None:
            return
        self._lock.acquire()
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        config = self._config
        require_extra("robot", "rtde_control")
        ur_dashboard.require_ready(config.host)
        options = f"--host={config.host} --watchdog={config.watchdog_frequency} --stale-after={config.stale_after}"
        options += f" --connect-timeout={config.connect_timeout}"
        self._link = WorkerLink(options.split(), keep_open=[self._lock.descriptor])
        if not self._link.wait_ready(config.connect_timeout):
            self._link.kill()
            # No brake here: if another machine drives the arm, this must not disturb it.
            reason = self._link.last_line() or f"no sign of it within {config.connect_timeout:g} s"
            raise ArmFault(Fault.NOT_READY, f"the arm's program did not start: {reason}")

    def state(self) -> ArmState:
        link = self._link
        if link is None or link.raw_state is None:
            raise ArmFault(Fault.LINK_LOST, "the arm is not connected; `connect` or `recover` first")
        if link.ended:
            raise self._gone("the link to the arm is lost")
        raw = link.raw_state
        safety, mode = raw["safety_mode"], _MODES.get(raw["robot_mode"])
        state = ArmState(
            time=raw["time"],
            pose=ToolPose.from_values(raw["pose"]),
            speed=raw["speed"],
            force=(raw["force"][0], raw["force"][1], raw["force"][2]),
            mode=mode or f"in unknown mode {raw['robot_mode']}",
            ready=mode == "running" and safety in _NORMAL and raw["runtime_state"] == 2,
            stop=None if safety in _NORMAL else _STOPS.get(safety, f"unknown safety mode {safety}"),
        )
        if state.age() > self._config.stale_after:
            raise self._gone(f"the arm's state is {state.age():.2f} s old", Fault.STALE)
        if mode is None or not (state.pose.finite and all(map(math.isfinite, (state.speed, *state.force)))):
            raise self._gone(
                f"the arm reports a state that makes no sense ({state.mode}, {state.pose}, speed {state.speed}, "
                f"force {state.force})",
                Fault.STALE,
            )
        return state

    def move(self, pose: ToolPose, speed: float, acceleration: float) -> ToolPose:
        result = self._command("move", pose, speed=speed, acceleration=acceleration)
        return self._reached(result, pose)

    def _reached(self, result: dict[str, Any], pose: ToolPose) -> ToolPose:
        reached = ToolPose.from_values(result["pose"])
        if not reached.distance(pose) <= POSITION_TOLERANCE:  # NaN is nowhere
            raise ArmFault(
                Fault.MOVE_FAILED, f"the arm stopped {1000 * reached.distance(pose):.0f} mm from where it was sent"
            )
        return reached

    def descend(self, pose: ToolPose, speed: float, acceleration: float, force: float) -> Descent:
        result = self._command("descend", pose, speed=speed, acceleration=acceleration, force=force)
        contact = result["contact"]
        if contact is None:
            return Descent(self._reached(result, pose), False, 0.0)
        return Descent(ToolPose.from_values(result["pose"]), True, contact)

    def free(self, on: bool) -> None:
        self._command("free", None, on=on)

    def _command(self, name: str, pose: ToolPose | None, **values: Any) -> dict[str, Any]:
        """Run one command to its end, watching the state all the while."""
        state = self.state()
        link = self._link
        assert link is not None
        if not state.ready:
            raise self._why_not_ready(state)
        seconds = ANSWER_TIMEOUT
        if pose is not None:
            values["pose"] = list(pose.values)
            seconds = 5.0 + 2.0 * state.pose.distance(pose) / values["speed"]
        deadline = time.monotonic() + seconds
        try:
            number = link.send(name, **values)
            if number is None:
                raise self._gone("the link to the arm is lost")
            while (reply := link.reply(number, 0.05)) is None:
                self.state()
                if time.monotonic() > deadline:
                    raise ArmFault(Fault.MOVE_FAILED, f"the arm did not finish '{name}' in {seconds:.0f} s")
        except BaseException:  # Ctrl-C too: whatever ends the wait ends the motion
            self.stop()
            raise
        if "error" not in reply:
            return dict(reply["result"] or {})
        if reply["error"] == "stopped":
            raise ArmFault(Fault.STOPPED, "the motion was stopped on request")
        time.sleep(0.05)  # by then the controller has published why
        raise self._why_not_ready(self.state(), reply["error"])

    def _why_not_ready(self, state: ArmState, error: str = "") -> ArmFault:
        try:
            ur_dashboard.refuse_stopped(ur_dashboard.status(self._config.host)[1])
        except ArmFault as fault:
            return fault
        if state.mode != "running":
            return ArmFault(Fault.NOT_READY, f"the arm is {state.mode}; `grasping-student cell recover` switches it on")
        reason = f" ({error})" if error else ""
        return ArmFault(
            Fault.NOT_READY, f"the arm's program ended{reason}; `grasping-student cell recover` starts it again"
        )

    def stop(self) -> None:
        link = self._link
        if link is None or link.ended:
            return
        number = link.send("stop")
        if number is None or link.reply(number, ANSWER_TIMEOUT) is None:
            link.kill()
            ur_dashboard.stop_program(self._config.host)

    def _gone(self, what: str, fault: Fault = Fault.LINK_LOST) -> ArmFault:
        """End the child, brake over the second channel, and return a fault with the last line of its log."""
        reason = ""
        if self._link is not None:
            self._link.kill()
            reason = self._link.last_line()
        safety = ur_dashboard.stop_program(self._config.host)
        if safety is not None:
            try:
                ur_dashboard.refuse_stopped(safety)
            except ArmFault as stopped:  # says more than what was noticed first
                return stopped
        how = "the controller's own watchdog stops it" if safety is None else "the controller was told to stop"
        return ArmFault(
            fault,
            f"{what}{f' ({reason})' if reason else ''}; {how}. Look at cable and tablet, then "
            "`grasping-student cell recover`",
        )

    def recover(self) -> None:
        host = self._config.host
        self._lock.acquire()
        self._drop_link()
        mode, safety = ur_dashboard.status(host)
        if "PROTECTIVE" in safety:
            if not wait_until(self._unlocked, 10.0):
                raise ArmFault(Fault.PROTECTIVE_STOP, "the protective stop could not be unlocked; see the tablet")
            mode, safety = ur_dashboard.status(host)
        ur_dashboard.refuse_stopped(safety)
        if mode != "RUNNING":
            ur_dashboard.ask(host, "close safety popup", "power on", "brake release")
            if not wait_until(lambda: ur_dashboard.status(host)[0] == "RUNNING", 30.0):
                raise ArmFault(Fault.NOT_READY, "the arm's brakes did not release within 30 s; see the tablet")
        self._start()

    def _unlocked(self) -> bool:
        ur_dashboard.ask(self._config.host, "close safety popup", "unlock protective stop")
        return "PROTECTIVE" not in ur_dashboard.status(self._config.host)[1]

    def _drop_link(self) -> None:
        if self._link is not None:
            self._link.kill()
            self._link.close()
            self._link = None

    def close(self) -> None:
        if self._link is not None:
            self._link.quit()
        self._drop_link()
        self._lock.release()

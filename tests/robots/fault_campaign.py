"""Random faults in the simulated cell while it picks: nothing may hang, leave the box, or get lost."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from grasping_student.environments.robot_cell import RobotCell
from grasping_student.fakes.console import FAULTS, clear_faults
from grasping_student.fakes.launch import FakeCell
from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, Outcome, PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.robots.arms.ur5e import Ur5e, Ur5eConfig
from grasping_student.robots.cell.config import CellConfig
from grasping_student.robots.cell.devices import make_gripper, make_view
from grasping_student.robots.faults import CellStopped

DRIVER_SIGNALS = {"driver process killed": signal.SIGKILL, "driver process hangs": signal.SIGSTOP}
KINDS = [*FAULTS, *DRIVER_SIGNALS]
"""Every fault, by name: those of the fakes, and of the driver's own process."""


def inject(name: str, fakes: FakeCell, arm: Ur5e) -> None:
    """Break something."""
    if name in FAULTS:
        action, options = FAULTS[name]
        fakes.do(action, **options)
    elif (process := arm.driver_process) is not None and process.poll() is None:
        process.send_signal(DRIVER_SIGNALS[name])


@dataclass
class CampaignReport:
    """What a campaign found. ``reaction_s`` is from the fault to the end of the call in which it fell, by fault."""

    faults: int = 0
    grasps: int = 0
    attempts: int = 0
    ended_by_a_fault: int = 0
    moves_after_a_stop: int = 0
    lost: list[str] = field(default_factory=list)
    reaction_s: dict[str, list[float]] = field(default_factory=dict)

    @property
    def slowest_reaction_s(self) -> float:
        """The longest wait after any fault, seconds."""
        return max((max(each) for each in self.reaction_s.values()), default=0.0)


def shuffled_faults(count: int, seed: int) -> list[str]:
    """So many names of faults in random order, each kind as often as the others or once more."""
    names = [KINDS[index % len(KINDS)] for index in range(count)]
    np.random.default_rng(seed).shuffle(names)
    return names


def merged(reports: Sequence[CampaignReport]) -> CampaignReport:
    """Several campaigns as one."""
    whole = CampaignReport()
    for report in reports:
        for name in ("faults", "grasps", "attempts", "ended_by_a_fault", "moves_after_a_stop"):
            setattr(whole, name, getattr(whole, name) + getattr(report, name))
        whole.lost += report.lost
        for name, seconds in report.reaction_s.items():
            whole.reaction_s.setdefault(name, []).extend(seconds)
    return whole


class Campaign:
    """Picks random foreground pixels in the simulated cell and breaks something at a random moment of every call.

    Args:
        fakes: controls of the simulated cell.
        config: of the cell.
        seed: of moments and grasps.
    """

    def __init__(self, fakes: FakeCell, config: CellConfig, seed: int) -> None:
        self._fakes, self._random = fakes, np.random.default_rng(seed)
        self._arm = Ur5e(Ur5eConfig(**config.arm.options))
        self._cell = RobotCell(config, self._arm, make_gripper(config), make_view(config))
        self.report = CampaignReport()

    def run(self, names: Sequence[str]) -> CampaignReport:
        """Inject the faults of these names, one after the other, and report."""
        with self._cell:
            self._cell.reset(0)
            for scene, name in enumerate(names):
                if scene % 20 == 19:
                    self._cell.reset(scene)
                self._one(name)
        return self.report

    def _one(self, name: str) -> None:
        heightmap = self._cell.observe().heightmap
        grasp = self._grasp(heightmap)
        before = len(self._fakes.do("grasp_log"))
        moment = [0.0]

        def break_it() -> None:
            inject(name, self._fakes, self._arm)
            moment[0] = time.monotonic()

        timer = threading.Timer(float(self._random.uniform(0.0, 1.2)), break_it)
        timer.start()
        outcome = self._cell.execute(grasp)
        ended = time.monotonic()
        timer.join()
        ended = max(ended, self._end_if_unnoticed(moment[0] < ended and outcome is Outcome.FAULT))
        self.report.faults += 1
        self.report.reaction_s.setdefault(name, []).append(max(0.0, ended - moment[0]))
        self._account(name, outcome, before)
        self._recover()

    def _end_if_unnoticed(self, noticed: bool) -> float:
        """A fault that fell into the end of the grasp shows in the next observation, or does no harm."""
        if not noticed:
            with contextlib.suppress(CellStopped):  # that is what the operator sees
                self._cell.observe()
        return time.monotonic() if not noticed else 0.0

    def _account(self, name: str, outcome: Outcome, before: int) -> None:
        report, log = self.report, self._fakes.do("grasp_log")[before:]
        report.grasps += 1
        if outcome is Outcome.FAULT:
            report.ended_by_a_fault += 1
            if len(log) > 1:
                report.lost.append(f"{name}: {len(log)} grasps in one execution")
        else:
            report.attempts += 1
            if [entry["outcome"] for entry in log] != [outcome.value]:
                report.lost.append(f"{name}: recorded {outcome.value}, the blocks saw {log}")

    def _recover(self) -> None:
        moves = len(self._fakes.do("report")["moves"])
        clear_faults(self._fakes)
        time.sleep(0.3)
        if self._cell.stopped is not None:
            self.report.moves_after_a_stop += len(self._fakes.do("report")["moves"]) - moves
        for patience in range(50):
            try:
                self._cell.recover()
                return
            except CellStopped:
                if patience == 49:
                    raise
                time.sleep(0.2)

    def _grasp(self, heightmap: Heightmap) -> PlanarGrasp:
        rows, cols = np.nonzero(heightmap.graspable_foreground())
        if not rows.size:
            self._cell.reset(int(self._random.integers(1 << 30)))
            return self._grasp(self._cell.observe().heightmap)
        index = int(self._random.integers(rows.size))
        angle = DEPLOYMENT_ANGLES.angle(int(self._random.integers(DEPLOYMENT_ANGLES.count)))
        return PlanarGrasp(int(rows[index]), int(cols[index]), angle)

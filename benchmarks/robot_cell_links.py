"""How soon a lost link is answered in the middle of a move; writes ``results/robot_cell_links.json``.

The driver with its default time limits moves a fake arm at real speed; then the controller or the driver's own process
dies or hangs, or the network between them. Each must end in an error within two seconds, and when the other side comes
back nothing may move by itself. Time limits are those of the drivers: run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from grasping_student.fakes.launch import FakeCell
from grasping_student.pipeline.files import write_json
from grasping_student.pipeline.manifest import machine_name
from grasping_student.robots.arms.ur5e import Ur5e, Ur5eConfig
from grasping_student.robots.faults import ArmFault
from grasping_student.robots.pose import tool_down

LONGEST_WAIT = 2.0
FAR = tool_down(0.15, -0.40, 0.25, 0.3)


def nothing(fakes: FakeCell) -> None:
    """What was broken can't be mended."""


Ways = dict[str, tuple[Callable[[FakeCell, Ur5e], object], Callable[[FakeCell], object]]]
WAYS: Ways = {
    "controller killed": (lambda fakes, arm: os.kill(fakes.process_id, signal.SIGKILL), nothing),
    "controller hangs": (
        lambda fakes, arm: os.kill(fakes.process_id, signal.SIGSTOP),
        lambda fakes: os.kill(fakes.process_id, signal.SIGCONT),
    ),
    "controller restarts": (lambda fakes, arm: fakes.do("restart", seconds=0.5), nothing),
    "connections dropped": (lambda fakes, arm: fakes.do("drop_link", seconds=0.5), nothing),
    "cable pulled": (lambda fakes, arm: fakes.do("freeze", on=True), lambda fakes: fakes.do("freeze", on=False)),
    "no more data": (lambda fakes, arm: fakes.do("mute", on=True), lambda fakes: fakes.do("mute", on=False)),
    "driver process killed": (lambda fakes, arm: send(arm, signal.SIGKILL), nothing),
    "driver process hangs": (lambda fakes, arm: send(arm, signal.SIGSTOP), nothing),
}
"""What is done in the middle of a move, and how it is taken back."""


def send(arm: Ur5e, number: int) -> None:
    """Send a signal to the driver's child process."""
    assert arm.driver_process is not None
    arm.driver_process.send_signal(number)


def one(name: str, moment: float) -> tuple[float, str, bool]:
    """Seconds until the move ended, how it ended, and whether the arm moved by itself afterwards."""
    act, mend = WAYS[name]
    with FakeCell(speedup=1.0) as fakes:
        arm = Ur5e(Ur5eConfig(fakes.host))
        arm.connect()
        ended: list[tuple[float, str]] = []

        def move() -> None:
            try:
                arm.move(FAR, 0.02, 0.5)
                ended.append((time.monotonic(), "arrived"))
            except ArmFault as fault:
                ended.append((time.monotonic(), str(fault)))

        thread = threading.Thread(target=move, daemon=True)
        thread.start()
        time.sleep(moment)
        began = time.monotonic()
        act(fakes, arm)
        thread.join(20.0)
        seconds, words = (ended[0][0] - began, ended[0][1]) if ended else (float("inf"), "hangs")
        by_itself = False
        if name != "controller killed":
            mend(fakes)
            time.sleep(0.8)
            before = fakes.do("report")
            time.sleep(0.6)
            after = fakes.do("report")
            arrived = np.linalg.norm(np.array(after["pose"][:3]) - FAR.position) < 0.01
            by_itself = before["pose"] != after["pose"] or after["moving"] or len(after["moves"]) != 1 or bool(arrived)
        arm.close()
    return seconds, words, by_itself


def main() -> int:
    """Break every way several times, print the verdict, and exit with 1 if a rule was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "robot_cell_links.json")
    options = parser.parse_args()
    random = np.random.default_rng(options.seed)
    slowest, by_itself = {}, []
    for name in WAYS:
        ends = [one(name, float(random.uniform(0.4, 1.8))) for _ in range(options.repeats)]
        slowest[name] = round(max(seconds for seconds, _, _ in ends), 2)
        by_itself += [name for _, _, moved in ends if moved]
        print(f"{name:<22} {slowest[name]:5.2f} s  {ends[-1][1][:120]}", flush=True)
    rules = {
        f"answered within {LONGEST_WAIT:.0f} s": max(slowest.values()) <= LONGEST_WAIT,
        "no motion by itself": not by_itself,
    }
    write_json(
        options.out,
        {
            "repeats": options.repeats,
            "slowest_answer_s": slowest,
            "rules": rules,
            "moved": by_itself,
            "machine": machine_name(),
        },
    )
    print(rules)
    return 0 if all(rules.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())

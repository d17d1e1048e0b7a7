"""A hundred attempts through the vendors' clients, sockets and drivers against the same ones in the simulator.

Half are a scripted picker's, half random. Scenes must be equal bit for bit, outcomes equal, tool positions within a
millimetre. Writes ``results/robot_cell_simulated.json``.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from grasping_student.environments.robot_cell import RobotCell
from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.fakes.launch import simulated_cell
from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import paper_workspace
from grasping_student.pipeline.files import write_json
from grasping_student.pipeline.manifest import machine_name
from grasping_student.policies.scripted_picker import ScriptedPicker
from grasping_student.simulation.families import standard

ATTEMPTS_A_SCENE = 10


def good_grasp(picker: ScriptedPicker, seen: Heightmap) -> PlanarGrasp:
    """The scripted picker's choice at the nearest of the deployment angles."""
    chosen, _ = picker(seen)
    return PlanarGrasp(chosen.row, chosen.col, DEPLOYMENT_ANGLES.angle(DEPLOYMENT_ANGLES.index(chosen.angle)))


def random_grasp(seen: Heightmap, random: np.random.Generator) -> PlanarGrasp:
    """Any foreground pixel at any of the deployment angles."""
    rows, cols = np.nonzero(seen.graspable_foreground())
    index = int(random.integers(rows.size))
    angle = DEPLOYMENT_ANGLES.angle(int(random.integers(DEPLOYMENT_ANGLES.count)))
    return PlanarGrasp(int(rows[index]), int(cols[index]), angle)


def main() -> int:
    """Compare, print the verdict, and exit with 1 if anything differed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attempts", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--patience", type=float, default=1.0, help="factor on the drivers' time limits")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "robot_cell_simulated.json")
    options = parser.parse_args()
    random = np.random.default_rng(options.seed)
    workspace = paper_workspace()
    differences: list[str] = []
    outcomes: Counter[str] = Counter()
    offsets: list[float] = []
    began = time.perf_counter()
    with (
        simulated_cell(workspace=workspace, patience=options.patience) as (fakes, config),
        SimulationEnvironment(replace(standard(), workspace=workspace)) as direct,
        RobotCell.of(config) as cell,
    ):
        picker = ScriptedPicker(direct, noise="person", seed=options.seed)
        for number in range(options.attempts):
            if number % ATTEMPTS_A_SCENE == 0:
                cell.reset(options.seed + number)
                direct.reset(options.seed + number)
            seen = cell.observe().heightmap
            if not np.array_equal(seen.height, direct.observe().heightmap.height):
                differences.append(f"attempt {number}: the scenes differ")
            grasp = good_grasp(picker, seen) if number % 2 else random_grasp(seen, random)
            tip = direct.tip_height(grasp)
            through, plain = cell.execute(grasp), direct.execute(grasp)
            outcomes[plain.value] += 1
            if through is not plain:
                differences.append(f"attempt {number}: {through.value} through the devices, {plain.value} without")
                if cell.stopped is not None:
                    differences[-1] += f" ({cell.stopped})"
                    break
            where = fakes.do("grasp_log")[-1]
            place = np.array([where["x"], where["y"], where["z"]])
            offsets.append(float(np.linalg.norm(place - (*grasp.xy(workspace), tip))))
        violations = fakes.do("report")["violations"]
    worst_mm = 1000.0 * max(offsets)
    agree = not differences and not violations and worst_mm < 1.0 and len(offsets) == options.attempts
    write_json(
        options.out,
        {
            "attempts": len(offsets),
            "outcomes": dict(sorted(outcomes.items())),
            "differences": differences,
            "largest_offset_mm": round(worst_mm, 4),
            "violations": violations,
            "agree": agree,
            "seconds": round(time.perf_counter() - began, 1),
            "machine": machine_name(),
        },
    )
    print(f"{len(offsets)} attempts {dict(outcomes)}, largest offset {worst_mm:.4f} mm, {len(differences)} differences")
    return 0 if agree else 1


if __name__ == "__main__":
    raise SystemExit(main())

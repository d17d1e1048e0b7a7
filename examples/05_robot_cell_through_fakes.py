"""A robot cell without a robot: 20 picks through the vendors' clients, our drivers and sockets, a simulator behind.

The fakes speak the wire protocols of the UR5e's controller and of the Robotiq 2F-85. With real devices only the config
differs: docs/robot-cell.md.

Run: python examples/05_robot_cell_through_fakes.py [ATTEMPTS]
"""

import sys

import numpy as np

from grasping_student.environments.robot_cell import RobotCell
from grasping_student.fakes.launch import simulated_cell
from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, Outcome, PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap, fill_holes
from grasping_student.geometry.workspace import light_workspace


def highest_point(heightmap: Heightmap, tried: list[PlanarGrasp], random: np.random.Generator) -> PlanarGrasp:
    """The middle of the highest spot that was not tried, at a random angle: simple, and often good enough."""
    height = np.where(heightmap.workspace.graspable_mask(), fill_holes(heightmap).height, 0.0)
    for grasp in tried:
        height[max(grasp.row - 6, 0) : grasp.row + 7, max(grasp.col - 6, 0) : grasp.col + 7] = 0.0
    near_top = np.argwhere(height > height.max() - 0.003)
    row, col = near_top[np.linalg.norm(near_top - near_top.mean(axis=0), axis=1).argmin()]
    return PlanarGrasp(row, col, DEPLOYMENT_ANGLES.angle(int(random.integers(DEPLOYMENT_ANGLES.count))))


def main(attempts: int) -> None:
    random, outcomes, tried = np.random.default_rng(0), [], []
    with simulated_cell(workspace=light_workspace(), patience=3.0) as (fakes, config):
        with RobotCell.of(config) as cell:
            cell.reset(seed=1)
            while len(outcomes) < attempts:
                heightmap = cell.observe().heightmap
                if heightmap.is_empty():
                    cell.reset(seed=1 + len(outcomes))
                    continue
                grasp = highest_point(heightmap, tried, random)
                outcome = cell.execute(grasp)
                if outcome is Outcome.FAULT:  # no attempt; a person would look, then say so
                    print(f"the cell stopped: {cell.stopped}")
                    cell.recover()
                    continue
                tried = [] if outcome.success else [*tried, grasp]
                outcomes.append(outcome)
                print(f"attempt {len(outcomes):2}: row {grasp.row}, column {grasp.col}: {outcome}")
        told = fakes.do("report")
    print(f"{sum(outcome.success for outcome in outcomes)} of {attempts} held")
    print(f"the arm was sent {len(told['moves'])} times, never faster than {told['top_speed']:.2f} m/s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)

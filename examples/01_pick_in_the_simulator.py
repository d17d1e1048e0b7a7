"""Fifty blocks, a gripper, and a scripted picker that tries to clear the table.

Run: python examples/01_pick_in_the_simulator.py [OUT.png]
"""

import sys
from pathlib import Path

from matplotlib.figure import Figure

from grasping_student.environments.simulated import SimulationEnvironment
from grasping_student.plotting.figures import draw_gripper, plot_heightmap
from grasping_student.policies.scripted_picker import ScriptedPicker
from grasping_student.simulation.families import standard

ATTEMPTS = 6


def main(out: Path) -> None:
    figure = Figure(figsize=(3 * ATTEMPTS, 3.4), layout="constrained")
    with SimulationEnvironment(standard()) as environment:
        picker = ScriptedPicker(environment, noise="person", seed=0)
        environment.reset(seed=7)
        for number, axes in enumerate(figure.subplots(1, ATTEMPTS), start=1):
            scene = environment.observe()
            grasp, _ = picker(scene)
            outcome = environment.execute(grasp)
            x, y = grasp.xy(environment.workspace)
            print(f"attempt {number}: x {x:+.3f} m, y {y:+.3f} m, angle {grasp.angle:.2f} rad: {outcome}")
            plot_heightmap(axes, scene.heightmap)
            draw_gripper(axes, environment.workspace, grasp)
            axes.set_title(f"{number}: {outcome}")
    figure.savefig(out)
    print(f"picture: {out}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "pick.png"))

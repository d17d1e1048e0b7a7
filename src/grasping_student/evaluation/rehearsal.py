"""Rehearsal of a robot cell without a robot: every motion of an evaluation said and drawn, none made."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from grasping_student.datasets.schema import Attempt
from grasping_student.episodes.event_log import EpisodeEnd
from grasping_student.episodes.loop import Episode, EpisodeObserver, run_episode
from grasping_student.episodes.policy_spec import make_policy as policy_of_spec
from grasping_student.episodes.process_cache import MakePolicy
from grasping_student.evaluation.configuration import PickingConfig, parse_models
from grasping_student.perception.observation import Observation
from grasping_student.pipeline.files import write_text
from grasping_student.pipeline.stage import StageRun

REHEARSED_ATTEMPTS = 3
"""Grasps of each model in a rehearsal, where the stop rule sets no number."""


class MotionNotes(EpisodeObserver):
    """Notes each grasp of a rehearsal behind its motions; outcomes are left out, because nothing was grasped."""

    def __init__(self, note: Callable[[str], object]) -> None:
        self._note = note

    def on_choice(self, observation: Observation, attempt: Attempt) -> None:
        pass

    def on_attempt(self, observation: Observation, attempt: Attempt) -> None:
        grasp = attempt.grasp
        assert grasp is not None
        where = f"row {grasp.row}, column {grasp.col}, {math.degrees(grasp.angle):.0f} degrees"
        self._note(f"# the grasp above was at {where}")

    def on_end(self, end: EpisodeEnd) -> None:
        self._note(f"# end of the rehearsal ({end.reason})")


def rehearse(
    config: PickingConfig, make_policy: MakePolicy = policy_of_spec, notify: Callable[[str], object] = print
) -> Path:
    """A reset and a few grasps of every model on a simulated scene, each motion said and drawn, none made.

    Writes ``motions.txt`` and ``motions.png``; returns the picture's path.

    Raises:
        UserError: the cell's file is wrong, a waypoint leaves the safe box, or a model does not fit.
    """
    from grasping_student.environments.robot_cell import RobotCell
    from grasping_student.environments.simulated_view import SimulatedView
    from grasping_student.robots.cell.cell_file import load_cell
    from grasping_student.robots.cell.devices import check_devices
    from grasping_student.robots.cell.dry_run import DryRunArm, DryRunGripper, MotionLog, plot_motions

    assert config.cell is not None
    cell = replace(load_cell(config.cell, to_move=True), telemetry=None)
    check_devices(cell)
    lines: list[str] = []

    def note(line: str) -> None:
        lines.append(line)
        notify(line)

    notes = MotionLog(cell.drop_pose(), note)
    view = SimulatedView(cell.workspace, config.family, config.engine, config.sensor)
    stop = replace(config.stop, attempts=config.stop.attempts or REHEARSED_ATTEMPTS)
    stage = StageRun("evaluate picking", config)
    robot = RobotCell(cell, DryRunArm(notes), DryRunGripper(notes), view, notify)
    with stage.output_folder("motions.txt"), robot as environment:
        for name, spec in parse_models(config.models).items():
            note(f"# {name}: reset")
            episode = Episode.of_run(name, 0, config.seed, stop)
            run_episode(environment, make_policy(spec, environment), episode, [MotionNotes(note)])
        write_text(config.out / "motions.txt", "".join(line + "\n" for line in lines))
        plot_motions(notes.motions, cell, config.out / "motions.png")
        stage.finish()
    return config.out / "motions.png"

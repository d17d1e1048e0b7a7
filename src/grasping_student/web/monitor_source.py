"""What the live page shows, read from the cell's live folder and the evaluation's output folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grasping_student.datasets.schema import Attempt
from grasping_student.episodes.event_log import attempts_in, read_events
from grasping_student.episodes.policy_spec import NAMED_POLICIES, prefix_and_folder
from grasping_student.evaluation.rates import counts_by_unit, rate
from grasping_student.geometry.grasp import DEPLOYMENT_ANGLES, PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json
from grasping_student.robots.cell.config import CellConfig
from grasping_student.robots.cell.telemetry import SCENE, TelemetryFolder, read_scene, read_status

SHOWN_OUTCOMES = 12


@dataclass(frozen=True, eq=False)
class Scene:
    """The scene on show: heightmap, the camera's picture, its number, and the scores of a model that has any."""

    heightmap: Heightmap
    picture: NDArray[np.uint8]
    number: int
    scores: NDArray[np.float32] | None


@dataclass(frozen=True)
class Numbers:
    """Outcomes of the run so far.

    Attributes:
        rates: model -> attempts, successes, rate, intervals.
        last: newest attempts first.
        model: the model that acts now, or None.
    """

    rates: dict[str, dict[str, Any]] = field(default_factory=dict)
    last: list[Attempt] = field(default_factory=list)
    model: str | None = None


class MonitorSource:
    """Reads what another process writes; what has not changed is not read again.

    Args:
        cell: of the cell's file.
        run: output folder of the evaluation, or None.
        seed: of the bootstrap behind the intervals.
    """

    def __init__(self, cell: CellConfig, run: Path | None, seed: int = 0) -> None:
        self._telemetry, self._run, self._seed = cell.telemetry, run, seed
        self._scene_stamp = self._log_stamp = 0
        self._scene: Scene | None = None
        self._numbers = Numbers()
        self._models: dict[str, Any] = {}

    @property
    def has_run(self) -> bool:
        """Whether an evaluation's output folder was named."""
        return self._run is not None

    def status(self) -> dict[str, Any]:
        """The cell's own words; empty before it has started."""
        return {} if self._telemetry is None else read_status(self._telemetry)

    def stop_requested(self) -> bool:
        """Whether the stop button was pressed and not yet cleared."""
        return TelemetryFolder(self._telemetry).stop_requested

    def grasp(self, scene: int) -> PlanarGrasp | None:
        """The grasp that was chosen for the scene of this number, if it was already."""
        chosen = self.status().get("grasp")
        return (
            None
            if chosen is None or chosen["scene"] != scene
            else PlanarGrasp(chosen["row"], chosen["col"], chosen["angle"])
        )

    def numbers(self) -> Numbers:
        """Rates and last outcomes."""
        log = None if self._run is None else self._run / "attempts.jsonl"
        if log is None or not log.exists() or log.stat().st_mtime_ns == self._log_stamp:
            return self._numbers
        self._log_stamp = log.stat().st_mtime_ns
        events = read_events(log)
        attempts = attempts_in(events)
        episodes = 1 + max((event.episode for event in events), default=0)
        names = dict.fromkeys(str(event.policy) for event in events)
        rates = {
            name: rate(counts_by_unit([each for each in attempts if each.policy == name], episodes), self._seed)
            for name in names
        }
        self._numbers = Numbers(rates, attempts[: -SHOWN_OUTCOMES - 1 : -1], events[-1].policy if events else None)
        return self._numbers

    def scene(self) -> Scene | None:
        """The scene on file, the same to every tab; slow when it is a new one, because its scores are computed once."""
        path = None if self._telemetry is None else self._telemetry / SCENE
        if path is None or not path.exists() or path.stat().st_mtime_ns == self._scene_stamp:
            return self._scene
        self._scene_stamp = path.stat().st_mtime_ns
        found = read_scene(path.parent)
        if found is not None:
            self._scene = Scene(*found, self._scores(found[0]))
        return self._scene

    def _scores(self, heightmap: Heightmap) -> NDArray[np.float32] | None:
        """Best score over all angles of the model that acts; None for policies without scores."""
        name = self.numbers().model
        if name is None or self._run is None:
            return None
        try:
            spec = read_json(self._run / "run.json")["models"][name]
            if spec in NAMED_POLICIES:
                return None
            if spec not in self._models:
                from grasping_student.models.grasp_model import GraspModel

                self._models[spec] = GraspModel.load(prefix_and_folder(spec)[1], heightmap.workspace)
        except UserError:  # a checkpoint named from another folder, or moved: the rest of the page is still of use
            return None
        scores = self._models[spec].score_maps(heightmap, DEPLOYMENT_ANGLES)
        best: NDArray[np.float32] = np.where(np.isfinite(scores), scores, -np.inf).max(axis=0)
        best[~np.isfinite(best)] = np.nan
        return best

"""One process of the server: it holds the models and answers one picture after the other."""

from __future__ import annotations

import base64
import os
import re
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from grasping_student.pipeline.configuration import to_plain
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.executor import begin_worker
from grasping_student.serving.backends import ExportedModel
from grasping_student.serving.configuration import Backend, PredictConfig
from grasping_student.serving.export_description import DESCRIPTION
from grasping_student.serving.loading import PRETRAINED, fastest_backend, load_model
from grasping_student.serving.parity import check_parity
from grasping_student.serving.predict import NothingStanding, predict_files
from grasping_student.serving.timing import watching

if TYPE_CHECKING:
    from grasping_student.models.heightmap_scorer import HeightmapScorer


class ModelSpec(NamedTuple):
    """A model to be served."""

    name: str
    folder: Path | None
    backend: Backend


class ModelInfo(NamedTuple):
    """A model that is served."""

    name: str
    version: str
    backend: str
    workspace: dict[str, float]
    constraint: str
    calibrated: bool
    same_grasps: float | None
    """Share of test scenes on which the backend chooses torch's grasp; None where torch itself runs."""


class Answer(NamedTuple):
    """What becomes of one request: grasps, nothing to be grasped, or a refusal in one sentence."""

    kind: Literal["grasps", "nothing", "refused"]
    body: dict[str, Any]
    seconds: dict[str, float]


@dataclass
class ServedModel:
    """A model on its own workspace, and on the wider one once that was asked for."""

    spec: ModelSpec
    backend: Backend
    loaded: dict[float | None, HeightmapScorer] = field(default_factory=dict)

    def at(self, extent: float | None) -> HeightmapScorer:
        """The model on a workspace of this extent, metres; None is its own."""
        if extent not in self.loaded:
            self.loaded[extent] = load_model(self.spec.folder, extent, self.backend)
        return self.loaded[extent]


_served: dict[str, ServedModel] = {}


def begin(parent: int, threads: int) -> None:
    """Begin the process.

    Args:
        parent: process id of the server; the worker ends with it.
        threads: of torch.
    """
    begin_worker(parent)
    if find_spec("torch") is not None:
        os.environ["OMP_NUM_THREADS"] = str(threads)  # torch is imported later, and only where it runs a network


def load(specs: tuple[ModelSpec, ...], check: bool) -> list[ModelInfo]:
    """Load the models; the first worker also checks that each backend chooses torch's grasps.

    Raises:
        UserError: no model there, or the backend chooses other grasps.
    """
    return [_load(spec, check) for spec in specs]


def _load(spec: ModelSpec, check: bool) -> ModelInfo:
    folder = spec.folder or PRETRAINED
    exported = (folder / DESCRIPTION).is_file()
    backend = spec.backend
    if backend == "auto":
        backend = fastest_backend(exported)
    served = _served[spec.name] = ServedModel(spec, backend)
    model = served.at(None)
    same = model.same_grasps if isinstance(model, ExportedModel) else None
    if check and backend != "torch" and not exported:
        same = check_parity(load_model(spec.folder, None, "torch"), model, backend)
    constraint = model.config.constraint.name
    calibrated = model.confidence is not None
    return ModelInfo(spec.name, model.version, backend, to_plain(model.workspace), constraint, calibrated, same)


def answer(name: str, config: PredictConfig, picture: bool) -> Answer:
    """Grasps for the picture whose files a config names.

    Args:
        name: of the model.
        config: files, all in one folder, and options.
        picture: add the drawing that ``predict`` writes, base64 of a PNG.
    """
    served = _served[name]
    model = {"name": name, "version": served.at(None).version, "backend": served.backend}
    body: dict[str, Any] = {"grasps": [], "nothing": None, "constrained": None, "on_seen_material": None, "notes": []}
    folder = Path() if config.depth is None else config.depth.parent
    with watching() as seconds:
        try:
            prediction = predict_files(config, served.at)
        except NothingStanding as nothing:
            text = in_words_of_the_request(str(nothing).partition("\n")[0], folder)
            body |= {"nothing": {"code": nothing.code, "text": text}, "model": model, "workspace": None}
            notes, kind = nothing.notes, "nothing"
        except (UserError, ValueError) as error:
            text = in_words_of_the_request(" ".join(str(error).split()), folder)
            return Answer("refused", {"code": "unusable", "message": text}, seconds)
        else:
            choice, kind = prediction.choice, "grasps"
            grasps = zip(prediction.grasps(), prediction.success, strict=True)
            body |= {
                "grasps": [{**grasp, "success": success} for grasp, success in grasps],
                "constrained": choice.constrained,
                "on_seen_material": choice.on_seen_material,
                "model": model,
                "workspace": {**to_plain(prediction.workspace), "in_frame_of_pose": prediction.place.tolist()},
            }
            notes = choice.notes
            if picture:
                body["picture"] = _drawn(prediction.choice, folder / "grasp.png", config.color is not None)
    seconds["choose"] = seconds.get("choose", 0.0) - seconds.get("score", 0.0)
    body["notes"] = [{"code": note.code, "text": in_words_of_the_request(note.text, folder)} for note in notes]
    return Answer("grasps" if kind == "grasps" else "nothing", body, seconds)


def _drawn(choice: Any, path: Path, has_colour: bool) -> str:
    from grasping_student.plotting.prediction_figure import plot_prediction

    plot_prediction(choice, path, has_colour)
    return base64.b64encode(path.read_bytes()).decode()


def in_words_of_the_request(text: str, folder: Path) -> str:
    """A sentence for the command line with fields of the request in place of options and paths."""
    text = text.replace(f"{folder}/", "")
    return re.sub(r"--([a-z][a-z-]*[a-z])", lambda option: option[1].replace("-", "_"), text)

"""Scenes to label that no robot stands behind: those of a dataset, or RGB-D frames in folders."""

from __future__ import annotations

from pathlib import Path

from grasping_student.datasets.folder import is_dataset
from grasping_student.datasets.store import Dataset
from grasping_student.environments.recorded import RecordedScenes
from grasping_student.geometry.workspace import Workspace
from grasping_student.perception.frame_files import FrameFormat, frame_files, load_frame
from grasping_student.perception.heightmap_repair import observe_frame
from grasping_student.perception.observation import Observation
from grasping_student.pipeline.errors import UserError


class DatasetScenes:
    """The scenes of a dataset that nobody has grasped in, or all of them if there are none such."""

    def __init__(self, path: Path) -> None:
        """Read which scenes there are; pictures are read when they are shown.

        Raises:
            UserError: there is no dataset, or it is empty.
        """
        self._dataset = Dataset(path)
        self.origin = path.resolve().name
        unlabelled = self._dataset.attempts(labelled=False)
        self._attempts = unlabelled or self._dataset.attempts()
        if not self._attempts:
            raise UserError(f"dataset {path} is empty; collect or import scenes into it first")

    @property
    def workspace(self) -> Workspace:
        return self._dataset.workspace

    def __len__(self) -> int:
        return len(self._attempts)

    def observation(self, position: int) -> Observation:
        return Observation.of(self._dataset.heightmap(self._attempts[position].id))

    def group(self, position: int) -> int:
        """Scenes of one episode show one filling of the workspace."""
        return self._attempts[position].episode


class FrameScenes:
    """RGB-D frames, one folder each, made into heightmaps as ``predict`` makes them."""

    def __init__(self, path: Path, workspace: Workspace, form: FrameFormat | None = None) -> None:
        """Find the frames.

        Args:
            path: the folder that holds them.
            workspace: of the heightmaps.
            form: what the numbers in the files mean; None takes metres along the axis.

        Raises:
            UserError: there are none, or they lie as ``dataset import frames`` wants them.
        """
        self.origin = path.resolve().name
        self.workspace = workspace
        self._form = form
        folders = [path, *sorted(path.iterdir())] if path.is_dir() else []
        self._folders = [each for each in folders if (each / "camera.json").is_file() and not (each / "depth").is_dir()]
        if not self._folders and (path / "depth").is_dir():
            unit = "m" if form is None else form.depth.unit
            raise UserError(
                f"{path} keeps its frames in depth/; make a dataset of it with 'grasping-student dataset import frames "
                f"{path} --depth-unit {unit} --out FOLDER' and label that"
            )
        if not self._folders:
            raise UserError(
                f"{path} holds neither a dataset nor frames; a frame is a folder with depth.npy (or a "
                "16-bit depth.png), camera.json and pose.txt"
            )

    def __len__(self) -> int:
        return len(self._folders)

    def observation(self, position: int) -> Observation:
        frame, _ = load_frame(frame_files(self._folders[position]), self._form)
        return observe_frame(frame, self.workspace)

    def group(self, position: int) -> int:
        """Nothing is known of how the frames hang together: each is its own filling."""
        return position


def open_recorded_scenes(path: Path, workspace: Workspace, form: FrameFormat | None = None) -> RecordedScenes:
    """The scenes in a folder; workspace and format are those of frames, a dataset has its own.

    Raises:
        UserError: there are none.
    """
    return DatasetScenes(path) if is_dataset(path) else FrameScenes(path, workspace, form)

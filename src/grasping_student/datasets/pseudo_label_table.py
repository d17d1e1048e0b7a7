"""The table of pseudo-labels: for every scene the best grasp of each of 64 angles, and its n best grasps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from grasping_student.geometry.grasp import TRAINING_ANGLES
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.configuration import with_values
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import atomic_path, parse_json, read_json
from grasping_student.pipeline.manifest import MANIFEST

SCHEMA_VERSION = 1

MOST_BYTES = 1_500_000_000
"""Of a table, unpacked; a scene takes about 700 bytes."""

TABLE = "pseudo_labels.parquet"
_METADATA = b"grasping_student"
_LATER = {"total": np.float32(np.nan), "overruled": np.False_}
"""Columns that the first tables did not have, and what they then hold."""


@dataclass(frozen=True)
class Provenance:
    """Where a table's pseudo-labels come from."""

    RENAMED: ClassVar[dict[str, str]] = {
        "rule": "constraint",
        "judge": "affordance_filter",
        "least_judgement": "min_affordance",
    }

    teacher: str
    """``GraspModel.version`` of the teacher."""

    dataset: str
    """``Dataset.version`` of the scenes."""

    extent: float
    pixels: int
    margin: float
    nms_radius: float
    foreground_only: bool
    precision: str

    constraint: dict[str, Any] | None = None
    """``GraspConstraintConfig`` that all grasps obey, as plain values, or None."""

    views: int = 1
    """Views of each scene whose scores were averaged."""

    others: list[str] = field(default_factory=list)
    """``GraspModel.version`` of further teachers that were asked."""

    affordance_filter: str | None = None
    """``GraspModel.version`` of the affordance network that had to agree, or None."""

    min_affordance: float = 0.5
    """Probability that it had to exceed."""

    angles: int = 64
    """Evenly spaced angles at which the teacher looked; at the others every score is -inf."""

    schema_version: int = SCHEMA_VERSION

    @property
    def workspace(self) -> Workspace:
        """Workspace of rows and columns."""
        return Workspace(self.extent, self.pixels, self.margin)


@dataclass(frozen=True, eq=False)
class PseudoLabelTable:
    """Pseudo-labels of ``n`` scenes, best grasps at ``a = 64`` angles, and ``t`` best grasps.

    Where a scene has no (further) grasp the score is -inf. Angle indices are bins of the training grid throughout.
    """

    scene: NDArray[np.int64]
    """Attempt ids, ascending, ``(n,)``."""

    score: NDArray[np.float32]
    """Best score of each angle, ``(n, a)``."""

    row: NDArray[np.int16]
    """Its row, ``(n, a)``."""

    col: NDArray[np.int16]
    """Its column, ``(n, a)``."""

    top64_score: NDArray[np.float32]
    """Best grasps over all 64 angles after the ban, best first, ``(n, t)``."""

    top64_row: NDArray[np.int16]
    top64_col: NDArray[np.int16]
    top64_angle: NDArray[np.int16]

    top16_score: NDArray[np.float32]
    """Best grasps over the 16 angles of the deployment grid after the ban, best first, ``(n, t)``."""

    top16_row: NDArray[np.int16]
    top16_col: NDArray[np.int16]
    top16_angle: NDArray[np.int16]

    total: NDArray[np.float32]
    """Log-sum-exp of the scores of all allowed pixels and angles, ``(n,)``; NaN in tables that do not know it."""

    overruled: NDArray[np.bool_]
    """Whether the affordance filter refused every grasp of the scene, so that its favourite stands in, ``(n,)``."""

    def __len__(self) -> int:
        return len(self.scene)

    @staticmethod
    def join(parts: Sequence[PseudoLabelTable]) -> PseudoLabelTable:
        """Tables of different scenes as one, ordered by scene."""
        order = np.argsort(np.concatenate([part.scene for part in parts]), kind="stable")
        columns = {f.name: [getattr(part, f.name) for part in parts] for f in fields(PseudoLabelTable)}
        return PseudoLabelTable(**{name: np.concatenate(values)[order] for name, values in columns.items()})

    def save(self, path: Path, provenance: Provenance) -> None:
        """Write one Parquet file, whole or not at all."""
        columns = {f.name: _column(getattr(self, f.name)) for f in fields(self)}
        table = pa.table(columns).replace_schema_metadata({_METADATA: json.dumps(asdict(provenance)).encode()})
        with atomic_path(path) as temporary:
            pq.write_table(table, temporary, compression="zstd")

    @staticmethod
    def load(path: Path) -> tuple[PseudoLabelTable, Provenance]:
        """Read a table, given its file or the folder of ``pseudo-label``.

        Raises:
            UserError: missing, damaged, of another kind or schema version, with grasps outside its workspace, or with
                another number of scenes than the manifest beside it says.
        """
        file = path / TABLE if path.is_dir() else path
        if not file.is_file():
            raise UserError(f"{path} holds no {TABLE}: run 'grasping-student pseudo-label' first, or finish it")
        try:
            provenance = _described(file)
            table = pq.read_table(file)
            columns: dict[str, NDArray[Any]] = {name: np.full(len(table), value) for name, value in _LATER.items()}
            columns |= {f.name: _array(table[f.name]) for f in fields(PseudoLabelTable) if f.name in table.column_names}
            loaded = PseudoLabelTable(**columns)
            _check_ranges(loaded, provenance)
            _check_scenes(len(loaded), file)
            return loaded, provenance
        except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"{file} is no table of pseudo-labels ({error}); it may be cut off: make it again"
            ) from None


def _described(file: Path) -> Provenance:
    """Where the table comes from, after a look at what its file claims to hold; no column is read.

    Raises:
        UserError: of another schema version, or provenance of another form.
        ValueError: no table of pseudo-labels, or too large.
        KeyError: nothing tells where it comes from.
    """
    with pq.ParquetFile(file) as parquet:
        metadata, columns = parquet.metadata, parquet.schema_arrow
    known = {each.name for each in fields(PseudoLabelTable)}
    wrong = sorted(known - set(columns.names) - set(_LATER)) + sorted(set(columns.names) - known)
    if wrong:
        raise ValueError(f"column '{wrong[0]:.60}' is {'missing' if wrong[0] in known else 'none of its columns'}")
    bytes_a_row = sum(_checked_bytes(name, columns.field(name).type) for name in columns.names)
    if metadata.num_rows * bytes_a_row > MOST_BYTES:
        raise ValueError(f"it claims {metadata.num_rows} rows of {bytes_a_row} bytes; at most {MOST_BYTES} are read")
    values = parse_json((columns.metadata or {})[_METADATA].decode())
    version = values.get("schema_version") if isinstance(values, dict) else None
    if version != SCHEMA_VERSION:
        raise UserError(f"{file} has schema version {version!s:.40}; this reads {SCHEMA_VERSION}")
    nobody = Provenance("", "", 0.45, 112, 0.06, 0.0, True, "")
    return with_values(nobody, values, where=f"provenance of {file}")


def _checked_bytes(name: str, kind: pa.DataType) -> int:
    """Bytes a row of a column that holds the numbers that ``PseudoLabelTable`` documents.

    Raises:
        ValueError: it does not.
    """
    count = 1
    if pa.types.is_fixed_size_list(kind):
        count, kind = kind.list_size, kind.value_type
    wanted = {"scene": pa.int64(), "overruled": pa.bool_(), "total": pa.float32()}
    if kind != wanted.get(name, pa.float32() if name.endswith("score") else pa.int16()):
        raise ValueError(f"column '{name}' holds {kind}")
    return 8 * count


def _check_ranges(table: PseudoLabelTable, provenance: Provenance) -> None:
    """Make sure that every grasp lies in the workspace and at an angle of the training grid.

    Raises:
        ValueError: one does not; the message names it.
    """
    angles, pixels = TRAINING_ANGLES.count, provenance.workspace.pixels
    if not (np.diff(table.scene) > 0).all() or (table.scene < 0).any():
        raise ValueError("its scenes are no ascending ids")
    for name in ("score", "top64_score", "top16_score", "total"):
        values = getattr(table, name)
        if (values == np.inf).any() or (name != "total" and np.isnan(values).any()):
            raise ValueError(f"{name} holds NaN or infinity")
    if table.score.ndim != 2 or table.score.shape[1] != angles:
        raise ValueError(f"score has shape {table.score.shape}; it must have {angles} angles a scene")
    for prefix in ("", "top64_", "top16_"):
        score = getattr(table, f"{prefix}score")
        limits = {"row": pixels, "col": pixels} | ({"angle": angles} if prefix else {})
        for name, limit in limits.items():
            values = getattr(table, prefix + name)
            if values.shape != score.shape:
                raise ValueError(f"{prefix}{name} has shape {values.shape}, {prefix}score {score.shape}")
            wrong = np.isfinite(score) & ((values < 0) | (values >= limit))
            if wrong.any():
                at = tuple(np.argwhere(wrong)[0])
                raise ValueError(
                    f"{prefix}{name} is {values[at]} in scene {table.scene[at[0]]}; valid are 0 to {limit - 1}"
                )


def _check_scenes(scenes: int, file: Path) -> None:
    """Make sure that a finished table has as many scenes as the manifest beside it says.

    Raises:
        ValueError: it has not.
    """
    if file.name != TABLE or not (file.parent / MANIFEST).is_file():
        return
    told = read_json(file.parent / MANIFEST)
    made = told.get("scenes") if isinstance(told, dict) and told.get("stage") == "pseudo-label" else None
    if isinstance(made, int) and made != scenes:
        raise ValueError(f"it has {scenes} scenes, {MANIFEST} beside it says {made}")


def _column(array: NDArray) -> pa.Array:
    if array.ndim == 1:
        return pa.array(array)
    return pa.FixedSizeListArray.from_arrays(pa.array(array.ravel()), array.shape[1])


def _array(column: pa.ChunkedArray) -> NDArray:
    combined = column.combine_chunks()
    if isinstance(combined, pa.ChunkedArray):
        combined = combined.chunk(0)
    if pa.types.is_fixed_size_list(combined.type):
        return combined.flatten().to_numpy(zero_copy_only=False).reshape(len(combined), combined.type.list_size).copy()
    return combined.to_numpy(zero_copy_only=False).copy()

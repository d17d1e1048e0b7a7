"""The ``evaluate`` commands: run a test of models, and print its rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional

from grasping_student.cli.options import notify
from grasping_student.pipeline.errors import UserError

if TYPE_CHECKING:
    from grasping_student.evaluation.configuration import OneShotConfig, PickingConfig, ProxyConfig, RectanglesConfig

_WHOLE = "give metrics.json as the evaluation wrote it, or evaluate again"


def picking(config: PickingConfig) -> None:
    """Pick episodes and print the rates, or show what a robot cell would do."""
    from grasping_student.episodes.configuration import RobotCellSpec
    from grasping_student.evaluation import picking_stage
    from grasping_student.evaluation.rehearsal import rehearse
    from grasping_student.evaluation.table import rates_table

    if config.dry_run:
        notify(f"motions drawn in {rehearse(config)}; nothing moved")
        return
    out = picking_stage.run(config, RobotCellSpec(config.cell) if config.cell is not None else None)
    print(rates_table(picking_stage.read_metrics(out)))
    notify(f"written to {out}")


def one_shot(config: OneShotConfig) -> None:
    """Let every model grasp once from the same states, and print the rates."""
    from grasping_student.evaluation import one_shot, picking_stage
    from grasping_student.evaluation.table import rates_table

    out = one_shot.run(config)
    print(rates_table(picking_stage.read_metrics(out)))
    notify(f"written to {out}")


def proxy(config: ProxyConfig) -> None:
    """Let an affordance network judge the models' grasps, and print the shares."""
    from grasping_student.evaluation.proxy import METRICS, run
    from grasping_student.evaluation.table import interval, percent
    from grasping_student.pipeline.files import read_json

    out = run(config)
    metrics = read_json(out / METRICS)
    print(f"{'model':<20}{'successes':>11}{'scenes':>8}{'proxy':>9}  95 % over episodes  moving average")
    for name, row in metrics["models"].items():
        print(
            f"{name:<20}{row['successes']:>11}{row['attempts']:>8}{percent(row['success_rate']):>9}  "
            f"{interval(row['bootstrap_95']):<19} {percent(row['average'])} of {len(row['rounds'])} rounds"
        )
    notify(f"written to {out}")


def rectangles(config: RectanglesConfig) -> None:
    """Hold the models' grasps against people's rectangles, and print the shares."""
    from grasping_student.evaluation.rectangles import METRICS, run
    from grasping_student.evaluation.table import interval, percent
    from grasping_student.pipeline.files import read_json

    out = run(config)
    metrics = read_json(out / METRICS)
    print(f"{metrics['scenes']} scenes of {metrics['episodes']} episodes, {metrics['rectangles']} rectangles")
    print(f"{'model':<20}{'matches':>9}{'scenes':>8}{'share':>9}  95 % over episodes   among the best {metrics['top']}")
    for name, row in metrics["models"].items():
        print(
            f"{name:<20}{row['successes']:>9}{row['attempts']:>8}{percent(row['success_rate']):>9}  "
            f"{interval(row['bootstrap_95']):<20} {percent(row['top_n']['success_rate'])}"
        )
    notify(f"written to {out}")


@dataclass(frozen=True)
class TableOptions:
    """Metrics of an evaluation as a table to read or to put in a page.

    Of several evaluations, replicates with their own labels and training seeds and models of the same names, it prints
    the mean rate of every model and its differences to the first model. Beside each stand two 95 % intervals:
    replicates resampled and scenes or episodes inside each, and Student's t over the replicates alone.
    """

    metrics: Annotated[tuple[Path, ...], Positional]
    """Folder of an evaluation, or its metrics.json; of several of one kind, replicates, the mean is printed."""

    markdown: bool = False
    """For a page: percent, intervals, failures by kind."""

    def __post_init__(self) -> None:
        if not self.metrics:
            raise ValueError("name at least one evaluation: its folder, or its metrics.json")


def table(options: TableOptions) -> None:
    """Print the tables of one evaluation, or of several together.

    Raises:
        UserError: a file is missing or holds no metrics of ``evaluate picking`` or ``evaluate one-shot``, or not all;
            or several that are no replicates of the same models.
    """
    of = _of_several if len(options.metrics) > 1 else _of_one
    print(of(options.metrics, options.markdown))


def _of_several(paths: Sequence[Path], markdown: bool) -> str:
    from grasping_student.evaluation.replicates import read_replicates, share_scenes
    from grasping_student.evaluation.table import replicates_markdown, replicates_table

    replicates = read_replicates(paths)
    if share_scenes(replicates):
        notify("some of these replicates have the same --seed, so scenes in common: the intervals are too narrow")
    return (replicates_markdown if markdown else replicates_table)(replicates)


def _of_one(paths: Sequence[Path], markdown: bool) -> str:
    from grasping_student.evaluation.table import markdown_table, rates_table
    from grasping_student.pipeline.files import read_json

    (path,) = paths
    path = path / "metrics.json" if path.is_dir() else path
    metrics = read_json(path)
    if not isinstance(metrics, dict) or metrics.get("kind") not in ("one-shot", "picking"):
        raise UserError(
            f"{path} holds no metrics of 'evaluate picking' or 'evaluate one-shot'; give their metrics.json"
        )
    missing = [
        name for name, kind in (("models", dict), ("differences", list)) if not isinstance(metrics.get(name), kind)
    ]
    if missing:
        raise UserError(f"{path} lacks {' and '.join(missing)}; {_WHOLE}")
    try:
        return (markdown_table if markdown else rates_table)(metrics)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{path} holds a damaged rate or difference ({error!r}); {_WHOLE}") from None

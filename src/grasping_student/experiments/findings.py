"""What the runs say, in words that follow from intervals and draws alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from grasping_student.experiments import tables
from grasping_student.experiments.arms import DEFAULT_STUDENT, TEACHERS
from grasping_student.experiments.designs import DESIGNS
from grasping_student.experiments.drawing import arm_title
from grasping_student.experiments.records import Run
from grasping_student.experiments.tables import CellRuns, Estimate
from grasping_student.reports.sentences import percent, points


def claims(everything: Mapping[str, Sequence[Run]]) -> str:
    """The default student against its teachers at every label fraction, and against the teacher with all labels."""
    runs = everything.get("label-fraction", [])
    cells = tables.cells(runs, DESIGNS["label-fraction"])
    lines = []
    for cell in cells:
        teacher = best_teacher(cell)
        if teacher is None or DEFAULT_STUDENT not in cell.runs:
            continue
        found = tables.difference_of(cell.runs[teacher], cell.runs[DEFAULT_STUDENT], "one_shot")
        if found is not None:
            lines.append(
                f"- {cell.regime.replace('-', ' ')}, {cell.setting}: {verdict(teacher, DEFAULT_STUDENT, found)}"
            )
    lines += _with_fewer_labels(cells)
    if not lines:
        return ""
    title = f"## The default student ({arm_title(DEFAULT_STUDENT)}) against the best of its teachers, one-shot"
    return "\n".join([title, "", *lines]) + "\n"


def best_teacher(cell: CellRuns) -> str | None:
    """The teacher arm with the highest one-shot rate in a cell."""
    rates = {arm: tables.rate_of(cell.runs[arm], "one_shot") for arm in TEACHERS if arm in cell.runs}
    known = {arm: rate.value for arm, rate in rates.items() if rate is not None}
    return max(known, key=lambda arm: known[arm]) if known else None


def verdict(first: str, second: str, found: Estimate) -> str:
    """One sentence on a difference: only where draws are enough and both intervals agree is anything concluded."""
    one, other = arm_title(first), arm_title(second)
    start = (
        f"{other} less {one}: {points(found.value)} points, [{points(found.bootstrap.low)}, "
        f"{points(found.bootstrap.high)}] over draws and scenes"
    )
    if found.over_draws is not None:
        start += f", [{points(found.over_draws.low)}, {points(found.over_draws.high)}] over {found.draws} draws alone"
    if not found.enough:
        return f"{start}. {found.draws} {'draw' if found.draws == 1 else 'draws'}: nothing can be concluded."
    word = "better" if found.bootstrap.low > 0.0 else "worse"
    if not found.bootstrap.excludes_zero:
        return f"{start}. No difference can be told."
    if found.over_draws is not None and found.over_draws.excludes_zero:
        return f"{start}. The student is the {word} of the two by both intervals."
    return (
        f"{start}. The student is the {word} of the two on these draws; {found.draws} draws do not show it for others."
    )


def _with_fewer_labels(cells: Sequence[CellRuns]) -> list[str]:
    """The student at 5 and 10 % against the augmented teacher that has all labels."""
    lines = []
    by = {(cell.regime, cell.setting): cell for cell in cells}
    for regime, setting in by:
        if setting not in ("5 %", "10 %") or (regime, "100 %") not in by:
            continue
        full, few = by[regime, "100 %"].runs, by[regime, setting].runs
        if "teacher_augmented" in full and DEFAULT_STUDENT in few:
            found = tables.difference_of(full["teacher_augmented"], few[DEFAULT_STUDENT], "one_shot")
            if found is not None:
                text = verdict("teacher_augmented", DEFAULT_STUDENT, found)
                lines.append(
                    f"- {regime.replace('-', ' ')}, student with {setting} of the labels, teacher with all: {text}"
                )
    return lines


def affordance_lines(runs: Sequence[Run]) -> list[str]:
    """The affordance network's measures as a table."""
    titles = ["scenes", "attempts", "balanced accuracy", "precision", "recall", "specificity", "ECE",
              "paper, balanced accuracy"]  # fmt: skip
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    for run in runs:
        m = run.values["affordance"]
        cells = [percent(m[k]) for k in ("balanced_accuracy", "precision", "recall", "specificity")]
        family = run.values["label_families"]["target"]
        row = [family, str(m["attempts"]), *cells, f"{m['expected_calibration_error']:.3f}", "80 %"]
        lines.append("| " + " | ".join(row) + " |")
        for source, own in m["by_source"].items():
            cells = [percent(own[k]) for k in ("balanced_accuracy", "precision", "recall", "specificity")]
            row = [f"{family}, {source}", str(own["attempts"]), *cells, f"{own['expected_calibration_error']:.3f}", ""]
            lines.append("| " + " | ".join(row) + " |")
    return lines


def relabelling_lines(cells: Sequence[CellRuns]) -> list[str]:
    """How far corrections lie from the person's grasps."""
    lines = []
    for cell in cells:
        for arm in ("nearby", "teacher_augmented"):
            values = [run.values["one_shot"] for run in cell.runs.get(arm, {}).values()]
            moved = np.concatenate([v["moved_mm"] for v in values]) if values else np.array([])
            turned = np.concatenate([v["turned_degrees"] for v in values]) if values else np.array([])
            if len(moved):
                what = "best near the person's grasp" if arm == "nearby" else "best of the scene"
                lines.append(
                    f"- {cell.setting}: the teacher's {what} lies {np.median(moved):.0f} mm (median) and "
                    f"{np.median(turned):.0f} degrees from it; {100 * float((moved > 10).mean()):.0f} % lie more than "
                    f"10 mm away, {100 * float((turned > 15).mean()):.0f} % are turned by more than 15 degrees."
                )
    return lines


def entropy_lines(cells: Sequence[CellRuns]) -> list[str]:
    """Whether students are surer than their teachers, as the paper says."""
    lines = []
    for cell in cells:
        for first, second in (("teacher", "student"), ("teacher_augmented", "student_augmented")):
            pairs = [
                (a, b)
                for draw, run in cell.runs.get(first, {}).items()
                if draw in cell.runs.get(second, {})
                and (a := tables.entropy_of(run)) is not None
                and (b := tables.entropy_of(cell.runs[second][draw])) is not None
            ]
            if pairs:
                lower = sum(b < a for a, b in pairs)
                lines.append(
                    f"- {cell.setting}: {arm_title(second)} has the lower entropy in {lower} of {len(pairs)} draws "
                    f"(means {np.mean([b for _, b in pairs]):.2f} and {np.mean([a for a, _ in pairs]):.2f} bits)."
                )
    return lines


def audit_sentences(pairs: np.ndarray) -> tuple[str, str]:
    """What the proxy is worth, from one-shot and proxy rates of all trained models, shape ``(n, 2)``."""
    from scipy import stats

    if np.ptp(pairs[:, 0]) == 0 or np.ptp(pairs[:, 1]) == 0:
        return f"All {len(pairs)} models have the same rate: nothing can be ranked.", f"{len(pairs)} models"
    rho = float(stats.spearmanr(pairs[:, 0], pairs[:, 1]).statistic)
    low, high = _bootstrap_rank(pairs)
    order = (
        "not told apart from chance" if low <= 0.0 <= high else "right more often than wrong" if rho > 0 else "wrong"
    )
    sentence = (
        f"Over {len(pairs)} trained models, Spearman's rank correlation of proxy and one-shot success is {rho:.2f}, "
        f"95 % interval [{low:.2f}, {high:.2f}] (models resampled). The order that the proxy gives is {order}. "
        f"On average the proxy lies {points(float((pairs[:, 1] - pairs[:, 0]).mean()))} points from the truth."
    )
    return sentence, f"{len(pairs)} models, rank correlation {rho:.2f} [{low:.2f}, {high:.2f}]"


def _bootstrap_rank(pairs: np.ndarray, resamples: int = 2000) -> tuple[float, float]:
    from scipy import stats

    random, values = np.random.default_rng(0), []
    for _ in range(resamples):
        chosen = pairs[random.integers(len(pairs), size=len(pairs))]
        if np.ptp(chosen[:, 0]) and np.ptp(chosen[:, 1]):
            values.append(float(stats.spearmanr(chosen[:, 0], chosen[:, 1]).statistic))
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)

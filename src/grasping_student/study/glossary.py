"""Who is compared and how a table is read: the first section of the results page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grasping_student.evaluation.table import interval
from grasping_student.study import tables
from grasping_student.study.comparisons import WANTED, best_teacher, labels_of
from grasping_student.study.conditions import ARMS, DEFAULT_STUDENT
from grasping_student.study.designs import DESIGNS, REGIMES
from grasping_student.study.figures import arm_title
from grasping_student.study.records import Run
from grasping_student.study.tables import Estimate

CONVENTIONS = f"""In a table of differences, **bold** means that the interval over draws and scenes excludes zero, with
at least {tables.FEWEST_DRAWS} draws. *Over draws (t)* is Student's t interval of the draws' own differences; it is
empty where all draws differ alike, and knows no bounds: an end above 100 % means up to 100. A number in brackets behind
a share is the number of labels. *{100 * WANTED:.0f} points* is the lead that was asked for before anything was
measured. Settings can have other numbers of draws (1 % has more), so that even policies that learn nothing may differ
between their rows."""

FAMILIES = {
    "standard": "`standard` scenes hold 50 blocks of seven shapes and are seen without noise",
    "sparse": "`sparse` ones hold 8 to 20 blocks of three shapes and are seen without noise",
    "dense": "`dense` ones hold 50 blocks of seven shapes and other scales and are seen with noise and holes",
}
"""Family of scenes -> what its scenes hold."""


def section(everything: Mapping[str, Sequence[Run]]) -> str:
    """Regimes, arms on file, and one row of a table in words."""
    runs = [run for each in everything.values() for run in each]
    known = [arm for arm in ARMS if any(run.arm == arm for run in runs)]
    if not known:
        return ""
    lines = [
        "## Who is compared, and how to read a table",
        "",
        *_regimes(runs),
        "",
        "| in tables and figures | `--arms` | what it is |",
        "|---|---|---|",
    ]
    for arm in known:
        what = ARMS[arm].what + (" (**the default**)" if arm == DEFAULT_STUDENT else "")
        lines.append(f"| {arm_title(arm)} | `{arm}` | {what} |")
    return "\n".join([*lines, "", CONVENTIONS, "", *_example(everything.get("label-fraction", []))])


def _regimes(runs: Sequence[Run]) -> list[str]:
    found = []
    for name, regime in REGIMES.items():
        if any(run.regime == name for run in runs):
            target = "the same" if regime.target == regime.labels else f"`{regime.target}`"
            found.append(
                f"*{name.replace('-', ' ').capitalize()}*: labels from `{regime.labels}` scenes, unlabelled scenes and "
                f"tests from {target}."
            )
    families = {name for run in runs for name in run.values.get("label_families", {}).values()}
    known = [text for name, text in FAMILIES.items() if name in families]
    return [" ".join([*found, "; ".join(known) + "."] if known else found)]


def _example(runs: Sequence[Run]) -> list[str]:
    """One difference on file in words."""
    for cell in tables.cells(runs, DESIGNS["label-fraction"]):
        teacher = best_teacher(cell)
        if cell.setting != "5 %" or teacher is None:
            continue
        rates = [tables.rate_of(cell.runs[arm], "one_shot") for arm in (DEFAULT_STUDENT, teacher)]
        found = tables.difference_of(cell.runs[teacher], cell.runs[DEFAULT_STUDENT], "one_shot")
        student, other = rates
        if student and other and found and student.draws == other.draws:
            return [_in_words(cell.regime, labels_of(cell), teacher, student, other, found), ""]
    return []


def _in_words(regime: str, share: str, teacher: str, student: Estimate, other: Estimate, found: Estimate) -> str:
    over = (
        f", and {interval(found.over_draws, signed=True)} by Student's t over the draws" if (found.over_draws) else ""
    )
    return (
        f"For example, {regime.replace('-', ' ')} with {share} of the labels: the {arm_title(DEFAULT_STUDENT)} "
        f"succeeds in {100 * student.value:.1f} % of {student.scenes} scenes ({student.draws} draws together), the "
        f"best teacher ({arm_title(teacher)}) in {100 * other.value:.1f} %. The difference has the 95 % interval "
        f"{interval(found.bootstrap, signed=True)} when draws and scenes are resampled{over}."
    )

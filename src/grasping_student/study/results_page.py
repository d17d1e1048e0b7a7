"""``docs/results.md`` from the runs on file: every number follows from them, the paper's stands beside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_object, write_text
from grasping_student.study import affordance_tables, claims, findings, glossary, precision_page, rate_tables, tables
from grasping_student.study import data_check as shared_data
from grasping_student.study import figures as drawing
from grasping_student.study import missing_runs as coverage
from grasping_student.study import proxy_validity as audit
from grasping_student.study.designs import DESIGNS, REGIMES, Design
from grasping_student.study.export import write_tables
from grasping_student.study.figures import link
from grasping_student.study.planning import ASKED
from grasping_student.study.records import Run, read_runs, run_files
from grasping_student.study.reference_runs import with_beside

INTRODUCTION = """# Results

Made by `make results` from the runs in `{results}/`; no number here is typed. How things are measured:
[evaluation.md](evaluation.md); how to repeat or extend a table: [experiments.md](experiments.md).

A cell shows a rate over draws of labels and training seeds, in percent, with a 95 % interval that resamples draws and
the scenes inside each (Wilson's where all scenes are alike). `n` is the number of draws. **†** marks
fewer than {fewest} draws: such cells are shown, hollow in the figures, and nothing is concluded from them. *One-shot*
is the success of a model's first attempt: every model grasps once from the same saved states. *Proxy*: share of grasps
that the affordance network takes for successes; *averaged*, over the rounds of the training, as the paper gives it,
with Student's t interval over draws. The proxy and the entropy ask the network alone: a rule that a student obeys when
it grasps does not count there. *Blocks an episode*: how many a model took out of a bin before the episode ended. A
*good grip* is a grasp whose contacts are antipodal on the heightmap, with clearance for the open fingers. A row of
*all* is alike in every setting. The paper's absolute numbers come from other scenes, labels and networks; compare
differences and orders, not levels.
"""

DIFFERENCES = """## What is otherwise than in the paper

- The default student adds a rule about the gripper and an augmented teacher to the paper's method; how the paper's own
  student fares is said under *The paper's method without the rule*.
- Everything is simulated: a scripted picker that knows the blocks, with a person's noise, stands for the person. The
  paper's labels and scenes are real; only its table I is from a simulator.
- Networks, resolution, numbers of labels, scenes and steps are those named under each heading. Tables IV and V are
  measured with few labels, the paper's with all: with more, little is left to be gained here.
- Students see none of the labelled scenes; the paper's see all, relabelled. A row of the methods does too, and the
  experiment `relabelling` measures what a relabelled grasp is worth.
- The proxy's average runs over few rounds of a short training, the paper's over thirty epochs of a long one. A round
  counts as the epochs that it stands for.
- Episodes are fewer than the paper's 25 000 picks a model: the tables say how many attempts. Models alternate on the
  same scenes; the policies without a model pick in these scenes too, in a round of their own.
- The affordance network's robot attempts in distribution were made by the teacher of draw 0 at 5 %. The proxy of
  this one teacher is judged by a network that learnt from its attempts, and may be off.
- Teachers label clean scenes once, before the student is trained; the authors' code relabels varied scenes at every
  step.
- Pseudo-labels never lie on bare table, but for one row of the methods. The angles that a teacher looks at are evenly
  spaced, except in the table of angles.
- Teacher and student are scored by the proxy on the same held-out scenes, at the angle of each scene's label; the paper
  gives each its own.
- The paper's intervals take attempts as independent and hold for one model each; these resample draws and scenes.
"""


def write_page(results: Path, page: Path) -> Path:
    """Write the page and all tables and figures; returns the page's path.

    Raises:
        UserError: there are no results, or a run is damaged.
    """
    found = {name: design for name, design in DESIGNS.items() if run_files(results / name)}
    if not found:
        raise UserError(f"{results} holds no results: 'grasping-student experiment label-fraction' makes some")
    where = link(results, page)
    parts = [INTRODUCTION.format(results=where, fewest=tables.FEWEST_DRAWS)]
    everything = {name: read_runs(results / name) for name in found}
    shown: dict[str, list[Run]] = {}
    for name, design in found.items():
        shown[name] = with_beside(everything[name], everything.get(design.beside.experiment, []), design.beside)
        write_tables(results / name, design, shown[name])
    parts += [glossary.section(shown), claims.claims(shown)]
    parts.append(shared_data.section(results, page))
    for name, design in found.items():
        parts.append(_section(name, design, shown[name], results, page))
    parts.append(_audit([run for runs in everything.values() for run in runs], results, page))
    parts.append(DIFFERENCES)
    parts += [coverage.section(everything), coverage.left_out()]
    parts.append(_provenance(everything))
    write_text(page, "\n".join(part for part in parts if part))
    return page


def _section(name: str, design: Design, runs: Sequence[Run], results: Path, page: Path) -> str:
    lines = [f"## {design.title}", ""]
    source = f" Paper: {design.paper_source}." if design.paper_source else ""
    lines += [f"`grasping-student experiment {name}`; {_sizes(results / name, design, runs)}.{source}", ""]
    if (results / name / f"{drawing.FIGURE}.svg").exists():
        figure = link(results / name / f"{drawing.FIGURE}.png", page)
        lines += [f"![{design.title}]({figure})", ""]
        lines += [f"*{drawing.CAPTIONS[name]}*", ""] if name in drawing.CAPTIONS else []
    start, caption = drawing.PICTURES.get(name, ("", ""))
    for picture in sorted((results / name).glob(f"{start}-*.png")):
        lines += [f"![{caption}]({link(picture, page)})", "", f"*{caption}.*", ""]
    if name == "affordance":
        lines += affordance_tables.affordance_lines(runs)
        return "\n".join(lines) + "\n"
    cells = tables.cells(runs, design)
    for regime in design.regimes:
        own = [cell for cell in cells if cell.regime == regime]
        if own:
            labels, target = REGIMES[regime].labels, REGIMES[regime].target
            lines += [
                f"### {regime.replace('-', ' ').capitalize()}",
                "",
                f"Labels from {labels} scenes, unlabelled scenes and tests in {target} ones.",
                "",
            ]
            if name == "precision":
                lines += precision_page.lines(own)
            elif name == "methods":
                lines += [*findings.methods_lines(own), "", findings.chance_note(own), ""]
            else:
                lines += [*rate_tables.rates(own, design), "", *rate_tables.differences(own, design), ""]
    if name in ("angles", "labels-per-scene"):
        lines += findings.trend_lines(cells, design)
    if name == "relabelling":
        lines += findings.relabelling_lines(cells)
    if name == "entropy":
        lines += findings.entropy_lines(cells)
    return "\n".join(lines) + "\n"


def _sizes(folder: Path, design: Design, runs: Sequence[Run]) -> str:
    sizes = read_object(folder / ASKED, sizes=dict)["sizes"]
    scenes = {run.scenes for run in runs} - {0}
    tested = f", {min(scenes)} to {max(scenes)} test scenes a draw" if len(scenes) > 1 else ""
    tested = f", {max(scenes)} test scenes a draw" if len(scenes) == 1 else tested
    episodes = {run.episodes for run in runs} - {0}
    picked = f", {' or '.join(map(str, sorted(episodes)))} episodes a model and draw" if episodes else ""
    shares = {point.share for point in design.settings.values()}
    ablated = f", {sizes['ablated_share'] * sizes['pool']:.0f} of them for the teachers" if shares == {None} else ""
    return (
        f"{sizes['network']['name']} at {sizes['pixels']} px, {sizes['pool']} labels are 100 %{ablated}, "
        f"{sizes['scenes'] + sizes['relabelled']} scenes for the students{tested}{picked}"
    )


def _audit(runs: Sequence[Run], results: Path, page: Path) -> str:
    models = audit.audited_models(runs)
    found = audit.by_regime(models)
    if not found:
        return ""
    path = results / "proxy-audit"
    drawing.plot_proxy_validity(audit.scatters(found), path)
    figure = link(path.with_suffix(".png"), page)
    lines = ["## Does the proxy rank models right?", "", f"![proxy audit]({figure})", "", f"*{drawing.AUDIT}*", ""]
    return "\n".join([*lines, *(f"{line}\n" for line in audit.audit_lines(models, found) if line)])


def _provenance(everything: dict[str, list[Run]]) -> str:
    runs = [run for each in everything.values() for run in each]
    commits = sorted({str(run.values.get("commit")) for run in runs})
    machines = sorted({str(run.values.get("machine")) for run in runs})
    kinds: dict[str, set[str]] = {}
    for run in runs:
        for kind, version in run.values["code"].items():
            kinds.setdefault(kind, set()).add(version)
    mixed = sorted(kind for kind, versions in kinds.items() if len(versions) > 1)
    models = {(run.values["model"], run.regime, run.draw) for run in runs}
    lines = [
        "## Where the numbers come from",
        "",
        f"{len(runs)} runs of {len(models)} different models and policies by regime and draw (a model that stands "
        f"in several tables is tested once), made on {'; '.join(machines)}.",
        f"Commits: {', '.join(f'`{commit}`' for commit in commits)}. `-dirty` means that files were not "
        "committed; whatever the commit, a run holds hashes of the code behind its stages.",
    ]
    if mixed:
        lines.append(
            f"The code behind {', '.join(mixed)} changed while these were measured: runs of more than one version."
        )
    kept = sum(bool(run.values.get("made_by_other_code")) for run in runs)
    if kept:
        lines.append(f"{kept} runs use stages made by an earlier version of the code (`made_by_other_code` in them).")
    lines.append("`grasping-student experiment rerun --run FILE.json` repeats one of them and compares.")
    return "\n".join(lines) + "\n"

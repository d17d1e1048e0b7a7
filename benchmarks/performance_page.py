"""``docs/performance.md`` from the files that the benchmarks wrote: no number in it is typed by hand."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from paper_size import BACKENDS, TARGETS, mean

from grasping_student.pipeline.files import read_json, write_text

RESULTS = Path(__file__).parent / "results"
SAME_GRASP, LOSS_APART = 0.95, 0.01
"""Marks of the agreement: fewest scenes with the same best grasp, largest difference of the loss, as shares."""

LOADER, INFERENCE_MS, SCENES_A_SECOND = 0.05, 100.0, 5.0
"""Marks of the preset ``light``: most of a step for its batch, longest inference, fewest pseudo-labelled scenes."""

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"


def main() -> None:
    """Write the page."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    write_text(PAGE, page(*(read_json(RESULTS / f"{name}.json") for name in ("paper_size", "paper_commands", "light"))))


def page(paper: dict[str, Any], commands: dict[str, Any], light: dict[str, Any]) -> str:
    """The page as Markdown, from the three result files."""
    return f"""# Performance

`benchmarks/performance_page.py` writes this page from `benchmarks/results/`. All times are processor seconds
of one thread, because the clock also depends on other programs of the machine. Both sides are measured in one
run with the same weights. Only the last row of the page is for two cores: twice the value of one thread. The
column *asked* holds targets that were set before measuring; **missed** marks a value that misses its target.

## Paper size: {paper["batch"]} labels of 338 x 338 pixels, FPN-resnet50

`python benchmarks/paper_size.py`, {paper["machine"]}.

*Literal* is the scheme of the authors' release, in `benchmarks/literal/`: fp32, images padded to 480 pixels,
one angle at a time, scores rotated back into the scene. Each of its student steps labels the batch again with
16 angles and a convolution of the mask of chosen grasps, and runs the affordance network. *Ours* is the code
of `train` and `predict`: bf16, a canvas of 352 pixels that holds every graspable pixel at any angle, labels
rotated into the canvas, pseudo-labels read from a table.

{paper_table(paper)}

A pseudo-label is made once and used in 30 epochs. If the step is charged with its share of that pass, the
ratio of the student step is {paper["ratios"]["student_step_with_its_share_of_16_angle_labels"]:.1f} for 16
angles (those of the literal scheme) and
{paper["ratios"]["student_step_with_its_share_of_64_angle_labels"]:.1f} for all 64. Labels that are fixed once
differ from labels that are made again at every step on the augmented image. This is a choice of the method,
not of the arithmetic.

Peak memory of our training process: {paper["our_steps"]["peak_memory_gib"]:.2f} GiB; of the literal one:
{paper["literal_steps"]["peak_memory_gib"]:.2f} GiB. Loading the batch takes
{paper["our_steps"]["loader_share"]:.1%} of our step.

### Agreement

ImageNet weights were not available. The network started from random weights and learned boxes for
{paper["brief_training"]["steps"]:.0f} steps on small images of the same pixel size (loss
{paper["brief_training"]["first_loss"]:.1f} to {paper["brief_training"]["last_loss"]:.1f}), so that its best grasp is a
grasp and not noise. Scenes are images of 40 boxes.

{agreement_table(paper)}

The column for 480 pixels is the whole difference. In the column for 352 pixels the literal scheme runs on our
canvas, so that only the arithmetic differs (bf16, labels rotated instead of scores). The canvas acts through
the network: the group normalisation of the decoder and, in training mode, batch normalisation average over
480 pixels with an empty rim on one side and over 352 pixels on the other, and pixels near the border of the
canvas see no further. A network is trained and used on one canvas, so this is no error in use. But weights
that were trained on 480 pixels score differently on 352. In training mode ours also normalises both maps of a
pair together, the literal scheme each alone. The tests in `tests/reference/` require that loss, gradient and
best grasp of small networks without such averages equal the literal ones.

### The commands with `--preset paper`

`python benchmarks/paper_commands.py`, commit `{commands["commit"]}`: {commands["steps"]} training steps of each
network, each command in its own process, encoders with random weights.

{commands_table(commands)}

The largest peak is {commands["largest_peak_gib"]:.2f} GiB; the paper's graphics cards had 8.

## Preset `light`: 112 x 112 pixels, the compact network

`python benchmarks/light.py`, commit `{light["commit"]}`.

{light_table(light)}
"""


def missed(kept: bool) -> str:
    """What stands beside a value that misses its mark."""
    return "" if kept else " **missed**"


def paper_table(paper: dict[str, Any]) -> str:
    """Literal and our seconds, ratio, and what was asked."""
    literal, ours = paper["literal_steps"], paper["our_steps"]["step"]
    rows = [
        ("student step", literal["student_step"], ours, "student_step"),
        ("teacher step", literal["teacher_step"], ours, "teacher_step"),
    ]
    scene = mean(paper["literal_inference"]["seconds"])
    for name in BACKENDS:
        seconds = mean(paper[f"our_inference_{name}"]["seconds"])
        rows.append((f"16 angles of a scene, {name}", scene, seconds, f"inference_{name}"))
    lines = ["| | literal, s | ours, s | times cheaper | asked |", "|---|---|---|---|---|"]
    for words, slow, fast, key in rows:
        ratio = paper["ratios"][key]
        found = f"**{ratio:.1f}**{missed(ratio >= TARGETS[key])}"
        lines.append(f"| {words} | {slow:.1f} | {fast:.2f} | {found} | at least {TARGETS[key]:g} |")
    return "\n".join(lines)


def commands_table(commands: dict[str, Any]) -> str:
    """What every command of the paper preset cost, and the networks it trained."""
    lines = ["| command | network, weights | batch | processor s | peak memory |", "|---|---|---|---|---|"]
    for name, used in commands["commands"].items():
        made = commands["shapes"].get(name)
        network = f"{made['network']}, {made['weights'] / 1e6:.1f} million" if made else ""
        row = [name, network, str(commands["batch"].get(name, "")), f"{used['processor_seconds']:.0f}"]
        lines.append("| " + " | ".join([*row, f"{used['peak_memory_gib']:.2f} GiB"]) + " |")
    return "\n".join(lines)


def agreement_table(paper: dict[str, Any]) -> str:
    """Grasps and losses against the literal ones, on the literal canvas and on ours."""
    found = paper["agreement"]
    lines = ["| ours against the literal scheme | on 480 pixels | on our 352 | asked |", "|---|---|---|---|"]

    def line(words: str, key: str, asked: str, form: str, keeps: Callable[[float], bool]) -> None:
        values = [found[f"{key}{canvas}"] for canvas in ("", "_on_our_canvas")]
        both = (f"{value:{form}}{missed(keeps(value))}" for value in values)
        lines.append(f"| {words} | {' | '.join(both)} | {asked} |")

    for name in BACKENDS:
        words = f"same best grasp of 16 angles, {name}, share of {paper['scenes']} scenes"
        line(words, f"grasp_{name}", "at least 95 %", ".0%", lambda share: share >= SAME_GRASP)
    for weights in ("fresh", "trained"):
        for mode in ("evaluation", "training"):
            words = f"difference of the loss, {weights} weights, {mode} mode"
            line(words, f"loss_{weights}_{mode}", "at most 1 %", ".2%", lambda part: part <= LOSS_APART)
    lines.append("")
    lines.append("Grasps count as the same within 2 pixels along rows and columns and one angle bin.")
    return "\n".join(lines)


def light_table(light: dict[str, Any]) -> str:
    """The light preset's costs."""
    found, steps = light["summary"], light["training_step"]
    rows = [
        ("training step of 8 labels, compact", f"{steps['compact']['step']:.3f} s", ""),
        ("the same, augmented", f"{steps['compact_augmented']['step']:.3f} s", ""),
        ("training step of 8 labels, FPN-resnet18", f"{steps['fpn-resnet18']['step']:.3f} s", ""),
        ("compact is cheaper by", f"{found['compact_step_cheaper_than_fpn_resnet18']:.1f} times", ""),
        (
            "largest share of the loader in a step",
            f"{found['largest_loader_share']:.1%}{missed(found['largest_loader_share'] <= LOADER)}",
            f"at most {LOADER:.0%}",
        ),
    ]
    for key, name in (("inference_ms_torch", "torch"), ("inference_ms_openvino", "OpenVINO")):
        value = f"{found[key]:.0f} ms{missed(found[key] <= INFERENCE_MS)}"
        rows.append((f"best grasp over 16 angles, {name}", value, f"at most {INFERENCE_MS:.0f} ms"))
    rate = found["pseudo_labelled_scenes_a_second_on_two_cores"]
    value = f"{rate:.1f} scenes a second{missed(rate >= SCENES_A_SECOND)}"
    rows.append(("pseudo-labels over 64 angles, two cores", value, f"at least {SCENES_A_SECOND:g}"))
    return "\n".join(["| | found | asked |", "|---|---|---|", *(f"| {a} | {b} | {c} |" for a, b, c in rows)])


if __name__ == "__main__":
    main()

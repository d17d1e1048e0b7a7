"""Our steps and inference at the paper's size against the authors' scheme, in one run, on the same weights.

``python benchmarks/paper_size.py`` takes some 15 minutes of one core; ``--quick`` leaves out the literal student step
and most scenes. Everything is counted in processor seconds, one thread, each side in processes of its own, and written
to ``benchmarks/results/paper_size.json``.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import sides
from material import BATCH, CHECKPOINT, draw, train
from measuring import in_own_process

from grasping_student.files import read_json, write_json
from grasping_student.manifest import code_commit, machine_name
from grasping_student.models.checkpoint import METRICS

RESULTS = Path(__file__).parent / "results" / "paper_size.json"
TARGETS = {"student_step": 15.0, "teacher_step": 5.0, "inference_torch": 2.5, "inference_openvino": 4.0}
"""How many times cheaper each must be."""

BACKENDS = {"torch": ("torch", "bf16"), "openvino": ("openvino", "bf16")}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="4 scenes, 1 batch, no literal student step")
    parser.add_argument("--scenes", type=int, default=20, help="scenes for inference (default 20)")
    parser.add_argument("--training-steps", type=int, default=100, help="brief training before (default 100)")
    parser.add_argument("--label-batches", type=int, default=1, help="batches of 8 on which losses are compared (1)")
    parser.add_argument("--checkpoint", type=Path, help="weights of an earlier brief training, in its place")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    scenes, label_batches = (4, 1) if options.quick else (options.scenes, options.label_batches)
    started = time.time()
    result: dict[str, Any] = {"commit": code_commit(), "machine": machine_name(), "threads": 1, "batch": BATCH,
                              "scenes": scenes, "quick": options.quick}  # fmt: skip
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)

        def step(name: str, function: Any, *arguments: Any) -> Any:
            before = time.time()
            found = in_own_process(function, folder, *arguments)
            result[name] = found
            print(f"{name}: {time.time() - before:.0f} s on the clock", flush=True)
            write_json(options.out, result)
            return found

        if options.checkpoint is None:
            step("brief_training", train, options.training_steps)
        else:
            shutil.copytree(options.checkpoint, folder / CHECKPOINT)
            result["brief_training"] = read_json(options.checkpoint / METRICS)
        step("scenes_drawn", draw, scenes, label_batches)
        step("export_difference", sides.export)
        step("our_steps", sides.our_steps, 1 if options.quick else 2)
        step("losses", sides.losses)
        for name, (backend, precision) in BACKENDS.items():
            step(f"our_inference_{name}", sides.our_inference, backend, precision)
        step("literal_inference", sides.literal_inference)
        # the student's step comes first: its 16 passes warm up what the teacher's step then reuses
        step("literal_steps", sides.literal_steps, ("teacher",) if options.quick else ("student", "teacher"))
    result["ratios"] = ratios(result)
    result["agreement"] = agreement(result)
    result["seconds_on_the_clock"] = round(time.time() - started)
    write_json(options.out, result)
    report(result)


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def ratios(result: dict[str, Any]) -> dict[str, float]:
    """How many times cheaper ours is."""
    literal, ours = result["literal_steps"], result["our_steps"]["step"]
    scene = {name: mean(result[f"our_inference_{name}"]["seconds"]) for name in BACKENDS}
    literal_scene = mean(result["literal_inference"]["seconds"])
    found = {"teacher_step": literal["teacher_step"] / ours}
    if "student_step" in literal:
        found["student_step"] = literal["student_step"] / ours
        for angles in (16, 64):
            labels = sides.amortised_labelling(scene["torch"], angles)
            found[f"student_step_with_its_share_of_{angles}_angle_labels"] = literal["student_step"] / (ours + labels)
    return found | {f"inference_{name}": literal_scene / seconds for name, seconds in scene.items()}


def agreement(result: dict[str, Any]) -> dict[str, float]:
    """Share of scenes with the same grasp, and largest difference of the loss."""
    literal = result["literal_inference"]["grasps"]
    found = {}
    for name in BACKENDS:
        pairs = list(zip(literal, result[f"our_inference_{name}"]["grasps"], strict=True))
        found[f"grasp_{name}"] = mean([float(sides.agrees(*pair)) for pair in pairs])
    for mode in ("training", "evaluation"):
        for precision in ("fp32", "bf16"):
            rows = result["losses"]
            differences = [abs(row[f"{mode}_{precision}"] / row[f"{mode}_literal"] - 1.0) for row in rows]
            found[f"loss_{mode}_{precision}"] = max(differences)
    return found


def report(result: dict[str, Any]) -> None:
    """Print what was found beside what is asked."""
    for name, ratio in result["ratios"].items():
        asked = f"asked {TARGETS[name]:g}" if name in TARGETS else ""
        print(f"{name:55} {ratio:6.2f} x   {asked}")
    for name, value in result["agreement"].items():
        print(f"{name:55} {value:8.4f}")
    print(f"peak memory of our step: {result['our_steps']['peak_memory_gib']:.2f} GiB")


if __name__ == "__main__":
    main()

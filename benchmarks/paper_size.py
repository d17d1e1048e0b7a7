"""Our steps and inference at the paper's size against the authors' scheme, in one run, on the same weights.

``python benchmarks/paper_size.py`` takes some 20 minutes of one core; ``--quick`` leaves out the literal student step
and most scenes. Everything is counted in processor seconds, one thread, each side in processes of its own, and written
to ``benchmarks/results/paper_size.json`` after every part; ``--only`` repeats some parts and keeps the others.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sides
from material import BATCH, CHECKPOINT, draw, train
from measuring import in_own_process

from grasping_student.models.checkpoint import METRICS
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.pipeline.manifest import code_commit, machine_name

RESULTS = Path(__file__).parent / "results" / "paper_size.json"
TARGETS = {"student_step": 15.0, "teacher_step": 5.0, "inference_torch": 2.5, "inference_openvino": 4.0}
"""How many times cheaper each must be."""

BACKENDS = {"torch": ("torch", "bf16"), "openvino": ("openvino", "bf16")}

Part = tuple[Callable[..., Any], tuple[Any, ...]]


def parts(quick: bool) -> dict[str, Part]:
    """What is measured, by name, in order; every function is given the folder with the material first."""
    ours: dict[str, Part] = {"our_steps": (sides.our_steps, (1 if quick else 2,))}
    ours |= {f"our_inference_{name}": (sides.our_inference, given) for name, given in BACKENDS.items()}
    return ours | {
        "losses": (sides.losses, ()),
        "literal_inference": (sides.literal_inference, ()),
        "literal_inference_on_our_canvas": (sides.literal_inference, (True,)),
        # the student's step comes first: its 16 passes warm up what the teacher's step then reuses
        "literal_steps": (sides.literal_steps, (("teacher",) if quick else ("student", "teacher"),)),
    }


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="4 scenes, no literal student step")
    parser.add_argument("--scenes", type=int, default=20, help="scenes for inference (default 20)")
    parser.add_argument("--label-batches", type=int, default=1, help="batches of 8 on which losses are compared (1)")
    parser.add_argument("--training-steps", type=int, default=100, help="brief training before (default 100)")
    parser.add_argument("--checkpoint", type=Path, help="weights of an earlier brief training, in its place")
    parser.add_argument("--only", nargs="*", choices=list(parts(False)), help="repeat these parts of --out")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    scenes = 4 if options.quick else options.scenes
    result: dict[str, Any] = {
        "machine": machine_name(),
        "threads": 1,
        "batch": BATCH,
        "scenes": scenes,
        "quick": options.quick,
        "commits": {},
    }
    if options.only:
        result = read_json(options.out)
        scenes = result["scenes"]
        result.setdefault("commits", {})
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if options.checkpoint is None:
            result["brief_training"] = in_own_process(train, folder, options.training_steps)
        else:
            shutil.copytree(options.checkpoint, folder / CHECKPOINT)
            result["brief_training"] = read_json(options.checkpoint / METRICS)
        in_own_process(draw, folder, scenes, options.label_batches)
        result["export_difference"] = in_own_process(sides.export, folder)
        for name, (function, arguments) in parts(options.quick).items():
            if options.only and name not in options.only:
                continue
            before = time.time()
            result[name] = in_own_process(function, folder, *arguments)
            result["commits"][name] = code_commit()
            print(f"{name}: {time.time() - before:.0f} s on the clock", flush=True)
            write_json(options.out, result)
    result["ratios"] = ratios(result)
    result["agreement"] = agreement(result)
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
    """Share of scenes with the same grasp, and largest difference of the loss, on the literal canvas and on ours."""
    found = {}
    for canvas in ("", "_on_our_canvas"):
        literal = result[f"literal_inference{canvas}"]["grasps"]
        for name in BACKENDS:
            pairs = zip(literal, result[f"our_inference_{name}"]["grasps"], strict=True)
            found[f"grasp_{name}{canvas}"] = mean([float(sides.agrees(*pair)) for pair in pairs])
        for row in result["losses"]:
            key = f"loss_{row['weights']}_{row['mode']}{canvas}"
            found[key] = max(found.get(key, 0.0), abs(row["ours"] / row[f"literal{canvas}"] - 1.0))
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

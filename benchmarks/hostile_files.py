"""Damaged and hostile files for every reader, for as long as asked; writes ``results/hostile_files.json``.

Each case is one command on one spoilt input, in a process of its own. Counted are tracebacks, commands that run longer
than 20 s, those that take more than 2 GB, and spoilt inputs that a command accepts although it could tell.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import io
import json
import os
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from hostile_inputs import INPUTS
from spoiling import spoil

from grasping_student.cli.main import main as command
from grasping_student.geometry.workspace import light_workspace
from grasping_student.perception.frame_files import FrameFiles, FrameFormat, load_frame
from grasping_student.perception.heightmap_repair import observe_frame
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import write_json
from grasping_student.serving.configuration import PredictConfig
from grasping_student.serving.loading import load_model

LONGEST, MOST_MEMORY = 20.0, 2_000_000_000


def read_only(words: list[str]) -> int:
    """All that ``predict`` does with its files, without the choice of a grasp: a hundred times as many cases."""
    config = tyro.cli(PredictConfig, args=words[1:])
    try:
        if config.model is not None:
            load_model(config.model, None)
        files = FrameFiles(config.depth, config.intrinsics, config.camera_to_world, config.color)
        observe_frame(load_frame(files, FrameFormat.of(config))[0], light_workspace())
    except UserError as error:
        print(f"grasping-student: {error}", file=sys.stderr)
        return 2
    return 0


def run_command(words: list[str]) -> int:
    """A command's exit code."""
    return read_only(words) if words[0] == "predict" else command(words)


def one_case(name: str, seed: int, folder: Path) -> dict[str, Any]:
    """Run one case in a child; returns what came of it."""
    random = np.random.default_rng((seed, sorted(INPUTS).index(name)))
    words = INPUTS[name].make(folder)
    files = sorted(path for path in folder.rglob("*") if INPUTS[name].spoilt(path))
    path = files[random.integers(len(files))]
    how, tells = spoil(path, random)
    case = {"input": name, "seed": seed, "file": str(path.relative_to(folder)), "how": how}
    report, begun = folder / "report.json", time.monotonic()
    child = os.fork()
    if child == 0:
        said, code, trace = io.StringIO(), -1, ""
        try:
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                code = run_command(words)
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 2
        except BaseException:
            trace = traceback.format_exc()
        used = resource.getrusage(resource.RUSAGE_SELF)
        came = {"code": code, "trace": trace, "said": said.getvalue()[-600:]}
        write_json(report, came | {"peak": used.ru_maxrss * 1024, "seconds": used.ru_utime + used.ru_stime})
        os._exit(0)
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        if time.monotonic() - begun > 6 * LONGEST:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            break
        time.sleep(0.01)
    killed = {"code": -9, "trace": "killed", "said": "", "peak": 0, "seconds": 3 * LONGEST}
    told = json.loads(report.read_text()) if report.exists() else killed
    case |= told
    case["verdict"] = _verdict(case, tells, words)
    return case


def _verdict(case: dict[str, Any], tells: bool, words: list[str]) -> str:
    if case["seconds"] > LONGEST:
        return "hang"
    if case["peak"] > MOST_MEMORY:
        return "memory"
    if case["trace"] or case["code"] not in (0, 1, 2, 3):
        return "traceback"
    if case["code"] == 0 and tells and words[1:2] != ["import"]:
        return "silent"
    if case["code"] == 0 and tells and not {"skipped", "note"} & set(re.findall(r"[a-z]+", case["said"])):
        return "silent"
    return "right"


def main() -> int:
    """Try for so long, print what went wrong, write the counts; exit with 1 if anything did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the first case")
    parser.add_argument("--only", default="", help="inputs whose name holds this")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "hostile_files.json")
    options = parser.parse_args()
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    wrong: list[dict[str, Any]] = []
    names, begun, seed = [name for name in INPUTS if options.only in name], time.monotonic(), options.seed
    for name in names:  # whole inputs are accepted; what commands import is there for every child then
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            assert run_command(INPUTS[name].make(Path(folder))) == 0, name
    while time.monotonic() - begun < 60.0 * options.minutes:
        name = names[(seed - options.seed) % len(names)]
        with tempfile.TemporaryDirectory() as folder:
            case = one_case(name, seed, Path(folder))
        counts[name.split(" depth")[0]][case["verdict"]] += 1
        if case["verdict"] != "right":
            wrong.append(case)
            print(json.dumps(case), flush=True)
        seed += 1
    write_json(
        options.out,
        {"first_seed": options.seed, "counts": {name: dict(each) for name, each in counts.items()}, "wrong": wrong},
    )
    print({name: dict(each) for name, each in counts.items()})
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())

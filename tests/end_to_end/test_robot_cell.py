"""The evaluation of a robot cell by command, killed and broken in the middle: no attempt is lost or repeated."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

pytest.importorskip("rtde_control", reason="needs ur-rtde: pip install -e '.[robot]'")

from grasping_student.episodes.event_log import read_attempts
from grasping_student.fakes.launch import simulated_cell
from grasping_student.geometry.grasp import Outcome
from grasping_student.geometry.workspace import light_workspace
from grasping_student.pipeline.configuration import to_yaml
from grasping_student.robots.cell.cell_file import load_cell
from grasping_student.simulation.families import standard

ATTEMPTS = 2


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    path = tmp_path_factory.mktemp("cell") / "cell.yaml"
    with simulated_cell(workspace=light_workspace(), simulation=standard(), patience=10.0) as (fakes, cell):
        path.write_text(to_yaml(cell))
        yield fakes, path


def command(*words):
    return [sys.executable, "-m", "grasping_student.cli.main", *map(str, words)]


def evaluate(path, out, *words):
    return command(
        "evaluate",
        "picking",
        "--models",
        "teacher=random",
        "student=random",
        "--env",
        "robot-cell",
        "--cell",
        path,
        "--episodes",
        1,
        "--stop.attempts",
        ATTEMPTS,
        "--out",
        out,
        *words,
    )


def attempts_of(out):
    return read_attempts(out / "attempts.jsonl")


def wait_for_intent(out, number):
    """Until the grasp of this number has begun."""
    log = out / "attempts.jsonl"
    for _ in range(600):
        if log.exists() and sum(json.loads(line)["event"] == "intent" for line in whole_lines(log)) > number:
            return
        time.sleep(0.1)
    raise AssertionError("the evaluation does not get on")


def whole_lines(log):
    return log.read_bytes().split(b"\n")[:-1]


def check_nothing_lost(out, seen_by_blocks):
    attempts = attempts_of(out)
    for model in ("teacher", "student"):
        own = [each for each in attempts if each.policy == model]
        assert [each.index for each in own] == list(range(len(own)))
        assert sum(each.counted for each in own) == ATTEMPTS
    recorded = [each.outcome for each in attempts if each.counted]
    faults = sum(not each.counted for each in attempts)
    felt = list(seen_by_blocks)
    for outcome in recorded:  # in order; a grasp whose try ended in a fault may stand between
        while felt and felt[0] != outcome:
            felt.pop(0)
            faults -= 1
        assert felt, f"{recorded} is not what the blocks saw: {seen_by_blocks}"
        felt.pop(0)
    assert faults >= 0


def test_a_killed_evaluation_goes_on_where_it_was(simulated, tmp_path):
    fakes, path = simulated
    out, done = tmp_path / "run", len(fakes.do("grasp_log"))
    first = subprocess.Popen(evaluate(path, out), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    wait_for_intent(out, 0)
    time.sleep(0.4)
    first.kill()
    first.wait()
    subprocess.run(evaluate(path, out, "--resume"), check=True, timeout=200, stdout=subprocess.DEVNULL)
    check_nothing_lost(out, [entry["outcome"] for entry in fakes.do("grasp_log")[done:]])
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["models"]["teacher"]["attempts"] == ATTEMPTS


def test_a_protective_stop_ends_the_run_in_words_and_recover_and_resume_go_on(simulated, tmp_path):
    fakes, path = simulated
    out, done = tmp_path / "run", len(fakes.do("grasp_log"))
    run = subprocess.Popen(evaluate(path, out), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    wait_for_intent(out, 0)
    fakes.do("protective_stop")
    _, said = run.communicate(timeout=100)
    assert run.returncode == 2
    assert "protective stop" in said and "cell recover" in said and "Traceback" not in said
    assert Outcome.FAULT.value in [each.outcome for each in attempts_of(out)]

    refused = subprocess.run(evaluate(path, out, "--resume"), capture_output=True, text=True, timeout=100, check=False)
    assert refused.returncode == 2 and "protective stop" in refused.stderr
    recover = command("cell", "recover", "--cell", path)
    unsure = subprocess.run(recover, input="no\n", capture_output=True, text=True, timeout=60, check=False)
    assert unsure.returncode == 2 and "look into the cell" in unsure.stderr
    recovered = subprocess.run([*recover, "--yes"], capture_output=True, text=True, timeout=60, check=True)
    assert "nothing moved" in recovered.stdout
    subprocess.run(evaluate(path, out, "--resume"), check=True, timeout=200, stdout=subprocess.DEVNULL)
    check_nothing_lost(out, [entry["outcome"] for entry in fakes.do("grasp_log")[done:]])


def test_control_c_stops_the_arm_keeps_the_grip_and_resume_goes_on(simulated, tmp_path):
    fakes, path = simulated
    out, done = tmp_path / "run", len(fakes.do("grasp_log"))
    # a shell's background jobs ignore Control-C, and the run would inherit that
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    run = subprocess.Popen(evaluate(path, out), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    signal.signal(signal.SIGINT, before)
    wait_for_intent(out, 0)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=100)
    assert run.returncode == 130
    assert "--resume goes on" in said and "Traceback" not in said
    stopped = fakes.do("report")
    time.sleep(0.5)
    after = fakes.do("report")
    assert stopped["pose"] == after["pose"] and stopped["stroke_mm"] == after["stroke_mm"]
    subprocess.run(evaluate(path, out, "--resume"), check=True, timeout=200, stdout=subprocess.DEVNULL)
    check_nothing_lost(out, [entry["outcome"] for entry in fakes.do("grasp_log")[done:]])


def test_waypoints_are_taught_by_hand_and_replayed_at_the_next_reset(simulated, tmp_path):
    fakes, path = simulated
    own = tmp_path / "cell.yaml"
    own.write_text(path.read_text())
    poses = [[0.1, -0.4, 0.3, 3.14159, 0.0, 0.0], [0.2, -0.5, 0.35, 3.14159, 0.0, 0.0]]
    with subprocess.Popen(
        command("cell", "teach-reset", "--cell", own), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as teaching:
        for name, pose in zip(("lift", "tip close"), poses, strict=True):
            wait_for_prompt(teaching)
            fakes.do("place_tool", pose=pose)  # a person leads the arm
            time.sleep(0.5)
            teaching.stdin.write(name + "\n")
            teaching.stdin.flush()
        wait_for_prompt(teaching)
        teaching.stdin.write("\n")
        teaching.stdin.close()
        assert "2 waypoints" in teaching.stdout.read()
        assert teaching.wait(30) == 0
    taught = load_cell(own).reset
    np.testing.assert_allclose([each.pose for each in taught], poses, atol=1e-9)
    assert [each.stroke_mm for each in taught] == [None, 0.0]
    moves = len(fakes.do("report")["moves"])
    subprocess.run(evaluate(own, tmp_path / "run"), check=True, timeout=200, stdout=subprocess.DEVNULL)
    sent = [move["target"] for move in fakes.do("report")["moves"][moves:]]
    for pose in poses:
        assert sum(np.allclose(target, pose) for target in sent) == 2  # one episode of each model


def wait_for_prompt(program):
    """Until the program asks for the next waypoint."""
    text = ""
    while "empty line ends): " not in text:
        character = program.stdout.read(1)
        assert character, f"the program ended after: {text}"
        text += character


def test_a_dry_run_draws_every_motion_and_moves_nothing(simulated, tmp_path):
    fakes, path = simulated
    moves = len(fakes.do("report")["moves"])
    out = tmp_path / "dry"
    done = subprocess.run(evaluate(path, out, "--dry-run"), capture_output=True, text=True, timeout=100, check=True)
    assert len(fakes.do("report")["moves"]) == moves
    assert done.stdout.count("descend") == 2 * ATTEMPTS
    assert (out / "motions.png").stat().st_size > 5000
    assert (out / "motions.txt").read_text().splitlines() == done.stdout.splitlines()


@pytest.mark.parametrize(
    "words",
    [
        ["--env", "robot-cell"],
        ["--dry-run", "True"],
        ["--cell", "cell.yaml"],
        ["--env", "robot-cell", "--cell", "no.yaml"],
    ],
)
def test_options_that_do_not_fit_together_are_refused(words, tmp_path):
    run = subprocess.run(
        command("evaluate", "picking", "--models", "random", "--out", tmp_path / "run", *words),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 2
    assert "Traceback" not in run.stderr

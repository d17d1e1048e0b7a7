"""Several evaluations as replicates: means, both intervals, and which folders do not belong together."""

import json
import shutil

import numpy as np
import pytest
from tests.fakes.boxes import BoxWorldSpec, make_box_policy

from grasping_student.cli.main import main
from grasping_student.evaluation import one_shot, picking_stage
from grasping_student.evaluation.configuration import OneShotConfig, PickingConfig
from grasping_student.evaluation.replicates import mean_difference, mean_rate, read_replicates
from grasping_student.evaluation.statistics import hierarchical_difference, replicates_interval
from grasping_student.pipeline.files import read_json, write_json

MODELS = ("teacher=random", "student=first")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Three one-shot replicates on scenes of their own, the last with fewer, and two of picking."""
    folder = tmp_path_factory.mktemp("replicates")
    for seed, scenes in enumerate((20, 20, 12)):
        config = OneShotConfig(models=MODELS, scenes=scenes, seed=seed, out=folder / f"shot-{seed}")
        one_shot.run(config, BoxWorldSpec(), make_box_policy)
    for seed in range(2):
        picking = PickingConfig(models=MODELS, episodes=4, seed=seed, out=folder / f"pick-{seed}")
        picking_stage.run(picking, BoxWorldSpec(), make_box_policy)
    return folder


def shots(folders):
    return [folders / f"shot-{seed}" for seed in range(3)]


def test_means_and_intervals_are_those_of_the_experiments(folders):
    replicates = read_replicates(shots(folders))
    metrics = [read_json(folder / "metrics.json") for folder in shots(folders)]
    for model in ("teacher", "student"):
        rates = [each["models"][model]["success_rate"] for each in metrics]
        mean = mean_rate(replicates, model, "one_shot")
        assert (mean.value, mean.replicates) == (pytest.approx(np.mean(rates)), 3)
        assert mean.over_replicates == pytest.approx(replicates_interval(rates))
        assert 0.0 <= mean.bootstrap.low < mean.value < mean.bootstrap.high <= 1.0
    mean = mean_difference(replicates, "teacher", "student", "one_shot")
    differences = [each["differences"][0]["one_shot"]["success_rate"] for each in metrics]
    first, second = ([each.counts[model]["one_shot"] for each in replicates] for model in ("teacher", "student"))
    assert mean.value == pytest.approx(np.mean(differences))
    assert mean.over_replicates == pytest.approx(replicates_interval(differences))
    assert mean.bootstrap == hierarchical_difference(first, second, seed=0).interval


def test_the_command_prints_every_mean_in_both_forms(folders, capsys):
    words = ["evaluate", "table", *map(str, shots(folders))]
    assert main(words) == 0
    printed = capsys.readouterr()
    plain = printed.out.splitlines()
    assert [line.split("  ")[0] for line in plain] == [
        "mean of 3 replicates",
        "teacher",
        "student",
        "student - teacher",
    ]
    assert not printed.err
    mean = mean_rate(read_replicates(shots(folders)), "student", "one_shot")
    assert f"{100 * mean.value:.1f} %" in plain[2] and f"{100 * mean.bootstrap.low:.1f}" in plain[2]
    assert main([*words, "--markdown"]) == 0
    markdown = capsys.readouterr().out
    assert f"| student | 3 | {100 * mean.value:.1f} | [" in markdown
    assert "| difference | replicates | one-shot, points |" in markdown


def test_episodes_have_every_named_rate(folders, capsys):
    # metrics.json stands for its folder
    assert main(["evaluate", "table", str(folders / "pick-0"), str(folders / "pick-1" / "metrics.json")]) == 0
    table = capsys.readouterr().out
    for name in ("all picks", "excluding repeats", "without the stop's failures"):
        assert table.count(name) == 3
    assert "episodes" in table.splitlines()[0]


def test_replicates_all_alike_and_replicates_without_attempts(folders, tmp_path):
    for number in range(2):
        shutil.copytree(folders / f"shot-{number}", tmp_path / str(number))
        log = tmp_path / str(number) / "attempts.jsonl"
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        outcome = {"teacher": "missed", "student": "success"}
        log.write_text("".join(json.dumps({**line, "outcome": outcome[line["model"]]}) + "\n" for line in lines))
        metrics = read_json(tmp_path / str(number) / "metrics.json")
        for name, row in metrics["models"].items():
            row["successes"] = row["attempts"] if name == "student" else 0
        write_json(tmp_path / str(number) / "metrics.json", metrics)
    replicates = read_replicates([tmp_path / "0", tmp_path / "1"])
    low, high = mean_rate(replicates, "student", "one_shot").bootstrap
    assert 0.8 < low < high == 1.0
    mean = mean_difference(replicates, "teacher", "student", "one_shot")
    assert (mean.bootstrap, mean.over_replicates) == ((low, high), None)
    nothing = replicates[1].counts["teacher"]["one_shot"]
    nothing.attempts[:] = 0
    assert mean_rate(replicates, "teacher", "one_shot").replicates == 1
    replicates[0].counts["teacher"]["one_shot"].attempts[:] = 0
    assert mean_rate(replicates, "teacher", "one_shot") is None


def test_shared_scenes_are_told_where_only_some_replicates_share_them(folders, tmp_path, capsys):
    shutil.copytree(folders / "shot-0", tmp_path / "again")
    assert main(["evaluate", "table", *map(str, (folders / "shot-0", tmp_path / "again"))]) == 0
    assert not capsys.readouterr().err  # all on the same: drawn once for all
    assert main(["evaluate", "table", *map(str, (*shots(folders), tmp_path / "again"))]) == 0
    assert "scenes in common" in capsys.readouterr().err


def test_folders_that_are_no_replicates_of_the_same_models_are_refused_in_one_message(folders, tmp_path, capsys):
    first = folders / "shot-0"
    for name in ("renamed", "cut", "damaged", "empty"):
        shutil.copytree(folders / "shot-1", tmp_path / name)
    for path in ("metrics.json", "run.json", "attempts.jsonl"):
        text = (tmp_path / "renamed" / path).read_text()
        (tmp_path / "renamed" / path).write_text(text.replace("student", "pupil"))
    log = tmp_path / "cut" / "attempts.jsonl"
    log.write_text("\n".join(log.read_text().splitlines()[:-1]) + "\n")
    write_json(tmp_path / "damaged" / "metrics.json", {"kind": "one-shot", "models": {"teacher": 3}})
    (tmp_path / "empty" / "attempts.jsonl").unlink()
    (tmp_path / "file.json").write_text("{}")
    for other, said in (
        (folders / "pick-0", "is of 'evaluate picking', "),
        (tmp_path / "renamed", "has the models teacher, pupil"),
        (folders / ".." / folders.name / "shot-0", "is given twice; every replicate counts once"),
        (first / "metrics.json", "is given twice"),
        (tmp_path / "cut", "attempts.jsonl holds other attempts of student than metrics.json"),
        (tmp_path / "damaged", "its files are damaged"),
        (tmp_path / "empty", "holds no attempts.jsonl; replicates are read scene by scene"),
        (tmp_path / "file.json", "holds no metrics.json"),
        (tmp_path / "nowhere", "holds no metrics.json"),
    ):
        assert main(["evaluate", "table", str(first), str(other)]) == 2, other
        printed = capsys.readouterr()
        assert said in printed.err and len(printed.err.splitlines()) == 1
        assert not printed.out

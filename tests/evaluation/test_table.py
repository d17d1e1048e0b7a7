"""Metrics on file printed again: the same numbers in both forms, and another file refused."""

from pathlib import Path

import pytest

from grasping_student.cli.main import main
from grasping_student.evaluation.statistics import wilson_interval
from grasping_student.pipeline.files import read_json, write_json

FIRST_LOOK = Path(__file__).parents[2] / "results" / "first-look" / "one-shot.json"


def test_a_table_on_file_is_printed_in_both_forms(capsys):
    assert main(["evaluate", "table", str(FIRST_LOOK)]) == 0
    plain = capsys.readouterr().out
    assert main(["evaluate", "table", str(FIRST_LOOK), "--markdown"]) == 0
    markdown = capsys.readouterr().out
    for number in ("67.7", "[62.3, 73.0]"):
        assert number in plain
        assert number in markdown
    assert "| teacher | 203 / 300 | 67.7 | [62.3, 73.0] | collision 49, dropped 44, missed 4 |" in markdown
    assert "| s_room - teacher | +21.0 | [+15.7, +26.7] |" in markdown
    assert main(["evaluate", "table", str(FIRST_LOOK.parent)]) == 2


def test_an_interval_on_file_without_width_gets_one(tmp_path, capsys):
    metrics = read_json(FIRST_LOOK)
    metrics["models"]["teacher"].update(attempts=6, successes=6, success_rate=1.0, bootstrap_95=[1.0, 1.0])
    metrics["differences"][0]["one_shot"].update(units=3, success_rate=0.0, bootstrap_95=[0.0, 0.0])
    write_json(tmp_path / "metrics.json", metrics)
    others = [100 * wilson_interval(0, units).high for units in (6, 3)]
    for form, difference in (
        ([], f"[{-others[1]:.1f}, {others[1]:.1f}]"),
        (["--markdown"], f"[{-others[1]:+.1f}, {others[1]:+.1f}]"),
    ):
        assert main(["evaluate", "table", str(tmp_path), *form]) == 0
        table = capsys.readouterr().out
        assert f"[{100 - others[0]:.1f}, 100.0]" in table
        assert difference in table


def test_another_file_is_refused(tmp_path, capsys):
    write_json(tmp_path / "metrics.json", {"kind": "proxy"})
    assert main(["evaluate", "table", str(tmp_path)]) == 2
    assert "holds no metrics of 'evaluate picking'" in capsys.readouterr().err


@pytest.mark.parametrize("form", [[], ["--markdown"]])
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda metrics: metrics.pop("models"), "lacks models; give metrics.json as the evaluation wrote it"),
        (lambda metrics: metrics.update(models=None, differences=3), "lacks models and differences"),
        (lambda metrics: metrics.pop("differences"), "lacks differences"),
        (lambda metrics: metrics["models"]["teacher"].pop("successes"), "damaged rate or difference (KeyError('succ"),
        (lambda metrics: metrics["models"].update(teacher=3), "damaged rate or difference"),
        (lambda metrics: metrics["differences"].append("none"), "damaged rate or difference"),
        (
            lambda metrics: metrics["differences"][0]["one_shot"].update(bootstrap_95=[0.1]),
            "damaged rate or difference",
        ),
    ],
)
def test_metrics_that_lack_a_part_are_refused_in_one_message(tmp_path, capsys, damage, message, form):
    metrics = read_json(FIRST_LOOK)
    damage(metrics)
    write_json(tmp_path / "metrics.json", metrics)
    assert main(["evaluate", "table", str(tmp_path), *form]) == 2
    captured = capsys.readouterr()
    assert message in captured.err and len(captured.err.splitlines()) == 1
    assert not captured.out

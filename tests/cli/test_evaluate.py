"""``evaluate picking`` and ``evaluate one-shot`` from the command line: what a user can mend is said in one line."""

import json

import pytest

from grasping_student.cli.main import main

COMMANDS = (["evaluate", "picking"], ["evaluate", "one-shot"])


def exit_code(arguments):
    try:
        return main(arguments)
    except SystemExit as stop:  # the option parser's own way out
        return stop.code


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "--models is empty"),
        (["--models", "a=random", "a=scripted"], "given twice"),
        (["--models", "randm"], "did you mean 'random'"),
        (["--models", "teacher=no/such/folder"], "checkpoint folder"),
        (["--models", "random", "--workers", "0"], "at least 1"),
        (["--preset", "heavy"], "unknown preset"),
    ],
)
def test_a_mistake_ends_with_code_2_and_one_message(command, options, said, capsys, tmp_path):
    assert exit_code([*command, *options, "--out", str(tmp_path / "out")]) == 2
    message = capsys.readouterr().err
    assert said in message
    assert "Traceback" not in message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_an_output_folder_is_not_overwritten_unasked(command, capsys, tmp_path):
    (tmp_path / "precious").write_text("mine")
    assert main([*command, "--models", "random", "--out", str(tmp_path)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (tmp_path / "precious").read_text() == "mine"


def test_one_shot_prints_its_rates_and_writes_them(capsys, tmp_path):
    arguments = ["evaluate", "one-shot", "--models", "random", "--scenes", "1", "--family", "sparse"]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 0
    assert "one-shot" in capsys.readouterr().out
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["models"]["random"]["attempts"] == 1
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["stage"] == "evaluate one-shot"

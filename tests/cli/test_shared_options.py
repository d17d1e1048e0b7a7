"""Options that every command shares: presets, files, what a config refuses, former names."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
import yaml

from grasping_student.cli.aliases import COMMAND_ALIASES, OPTION_ALIASES, with_new_names
from grasping_student.cli.main import main
from grasping_student.cli.options import parse
from grasping_student.pipeline.errors import UserError


@dataclass(frozen=True)
class Config:
    """A stage for the test."""

    out: Path = Path("runs/x")
    seed: int = 0
    kind: Literal["a", "b"] = "a"
    rate: float = 0.5


@dataclass(frozen=True)
class Part:
    """Refuses some values."""

    count: int = 1

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"part count is {self.count}; it must be at least 1")


@dataclass(frozen=True)
class Picky:
    """Refuses some values, and so does its part."""

    share: float = 0.5
    part: Part = Part()

    def __post_init__(self) -> None:
        if self.share > 1.0:
            raise ValueError(f"share is {self.share}; it must be at most 1")


PRESETS = {"light": Config, "paper": lambda: Config(rate=0.1)}


def test_options_win_over_the_file_and_the_file_over_the_preset(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("rate: 0.2\nseed: 5\n")
    config = parse("x", PRESETS, ["--preset", "paper", "--config", str(path), "--seed", "9"])
    assert config == Config(rate=0.2, seed=9)
    assert parse("x", PRESETS, ["--preset=paper"]) == Config(rate=0.1)


def test_the_resolved_config_is_printed_as_yaml_that_reads_back(capsys):
    assert parse("x", PRESETS, ["--print-config", "--seed", "3"]) is None
    assert yaml.safe_load(capsys.readouterr().out) == {"out": "runs/x", "seed": 3, "kind": "a", "rate": 0.5}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "heavy"], "valid are: light, paper"),
        (["--preset"], "needs a value"),
        (["--config", "none.yaml"], "does not exist"),
    ],
)
def test_bad_shared_options_are_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        parse("x", PRESETS, arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--share", "2"], r"x: share is 2\.0; it must be at most 1"),
        (["--part.count", "0"], "x: part count is 0; it must be at least 1"),
    ],
)
def test_values_that_a_config_refuses_are_one_line_of_ours(arguments, message, capsys):
    with pytest.raises(UserError, match=f"^{message}$"):
        parse("x", {"light": Picky}, arguments)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sede", "3"], "x: unknown option --sede 3 \\(did you mean --seed\\?\\); --help lists what is valid"),
        (["--seed", "three"], "x: error parsing --seed: .*'three'; --help lists what is valid"),
        (["--kind", "c"], "x: invalid choice 'c' for argument '--kind'.*'a', 'b'.*"),
        (["--out"], "x: .*--out.*"),
        (["--seed", "1" * 5000], "x: .*"),
        (["--sede-of-a-very-long-name-that-no-narrow-terminal-could-show-on-one-line", "3"], "x: .*-one-line 3;.*"),
    ],
)
def test_bad_options_are_one_line_of_ours(arguments, message, capsys):
    with pytest.raises(UserError, match=rf"^{message}$"):
        parse("x", PRESETS, arguments)
    assert capsys.readouterr().err == ""


ALIASES = [(words, option) for words, options in OPTION_ALIASES.items() for option in options]


@pytest.mark.parametrize(("words", "option"), ALIASES)
def test_a_former_option_still_works_and_names_the_new_one(words, option, capsys):
    new, values = OPTION_ALIASES[words][option]
    value = next(iter(values), "7")
    renamed = with_new_names(words, [option, value, "--other", f"{option}={value}", "last"], ())
    again = [] if new is None else [f"{new}={values.get(value, value)}"]
    apart = [] if new is None else [new, values.get(value, value)]
    assert renamed == [*apart, "--other", *again, "last"]
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2 and all(line.startswith(f"grasping-student: {words}: {option} ") for line in said)
    assert with_new_names(words, renamed, ()) == renamed
    assert with_new_names(words, [option, value], {option}) == [option, value]  # it is an option of today


@pytest.mark.parametrize(("former", "words"), sorted(COMMAND_ALIASES.items()))
def test_former_words_of_a_command_still_work_and_name_the_new_ones(former, words, capsys):
    with pytest.raises(SystemExit):
        main([*former.split(), "--help"])
    said = capsys.readouterr()
    assert said.err == f"grasping-student: '{former}' is now '{words}'\n" and words in said.out

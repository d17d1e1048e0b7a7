"""Configs survive a round trip through YAML, and every bad value is refused by name."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
import yaml

from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.configuration import choice, load_yaml, to_plain, to_yaml, with_values
from grasping_student.pipeline.errors import UserError


@dataclass(frozen=True)
class Inner:
    depth: float = 0.5
    sides: tuple[int, ...] = (1, 2)


@dataclass(frozen=True)
class Outer:
    name: str = "x"
    kind: Literal["a", "b"] = "a"
    count: int = 3
    ratio: float | None = None
    out: Path = Path("runs")
    flag: bool = False
    inner: Inner = field(default_factory=Inner)
    workspace: Workspace = field(default_factory=Workspace)


def test_yaml_round_trip_gives_an_equal_config(tmp_path):
    config = Outer(name="y", kind="b", ratio=0.25, inner=Inner(depth=2.0, sides=(4, 5, 6)))
    path = tmp_path / "config.yaml"
    path.write_text(to_yaml(config))
    assert load_yaml(path, Outer()) == config


@pytest.mark.parametrize("text", ["1e-3", "1E-3", "+1e-3", "1.e-3", "0.1e-2", ".1e-2", "10_000e-7", "1.0e-03"])
def test_every_way_of_writing_a_number_is_a_number(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(f"ratio: {text}\nname: {text}x\n")
    assert load_yaml(path, Outer()) == Outer(name=f"{text}x", ratio=1e-3)


def test_a_whole_number_serves_where_a_float_is_wanted():
    assert with_values(Outer(), {"ratio": 1}, "here") == Outer(ratio=1.0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"cuont": 3}, "did you mean 'count'"),
        ({"count": "three"}, "here: count: got 'three' .*expected int"),
        ({"count": True}, "expected int"),
        ({"count": 1.5}, "expected int"),
        ({"flag": 1}, "expected bool"),
        ({"kind": "c"}, "valid are: 'a', 'b'"),
        ({"inner": {"depht": 1}}, "here: inner.*depth"),
        ({"inner": {"sides": ["one"]}}, "here: inner: sides"),
        ({"inner": 5}, "expected Inner"),
        ({"inner": {"depth": float("nan")}}, "inner: depth: got nan; expected a finite number"),
        ({"ratio": float("-inf")}, "ratio: got -inf"),
        ({"inner": {"depth": 10**400}}, r"depth: got 1000.*\.\.\..*; expected a finite number"),
        ({"inner": "x" * 100_000}, r"^.{1,200}$"),
        ({"workspace": {"extent": 450}}, "millimetres"),
        ([1, 2], "expected a mapping"),
    ],
)
def test_bad_values_are_refused_by_name(values, message):
    with pytest.raises(UserError, match=message):
        with_values(Outer(), values, "here")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1, 2", "YAML"),
        ("{", "YAML"),
        ("name: x\ncount: 1\nname: y\n", "'name' is said twice"),
        ("inner: {depth: 1, depth: 2}", "'depth' is said twice"),
        ("name: !!python/object/apply:os.getcwd []", "could not determine a constructor"),
        ("? [a, b]\n: 1", "a key must be a word"),
        ("name: \x00", "unacceptable character"),
        ("name: 2026-13-45", "month"),
        ("{" * 3000, "recursion|YAML"),
        ("[" * 3000 + "]" * 3000, "nested too deep"),
        ("count: " + "9" * 400, "too long"),
        ("# " + "x" * 600_000, "at most"),
    ],
)
def test_a_broken_file_is_refused_in_one_line(tmp_path, text, words):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=words) as caught:
        load_yaml(path, Outer())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("put", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_a_pipe_a_folder_or_a_device_is_refused(tmp_path, put):
    put(tmp_path / "config.yaml")
    with pytest.raises(UserError, match="no plain file"):
        load_yaml(tmp_path / "config.yaml", Outer())


def test_a_missing_file_is_named_and_an_empty_one_changes_nothing(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        load_yaml(tmp_path / "none.yaml", Outer())
    (tmp_path / "empty.yaml").write_text("")
    assert load_yaml(tmp_path / "empty.yaml", Outer()) == Outer()


def test_plain_values_hold_no_python_types():
    assert yaml.safe_load(to_yaml(Outer())) == to_plain(Outer())


def test_an_unknown_name_is_answered_with_the_valid_ones_once_and_in_their_order():
    with pytest.raises(UserError, match=r"^unknown share '3 %'; valid are: 2 %, 10 %, 5 %; did you mean '. %'\?$"):
        choice("3 %", ["2 %", "10 %", "2 %", "5 %"], "share")
    assert choice("10 %", iter(["2 %", "10 %"]), "share") == "10 %"

"""The page of a half-finished grid: it is written, marks few draws and concludes nothing of them."""

import numpy as np
import pytest
from tests.fakes.runs import EVERYTHING, write_runs

from grasping_student.pipeline.files import write_json
from grasping_student.study import figures as drawing
from grasping_student.study import results_page, tables
from grasping_student.study.conditions import DEFAULT_STUDENT, TEACHERS
from grasping_student.study.designs import DESIGNS
from grasping_student.study.findings import methods_lines
from grasping_student.study.records import read_run, read_runs, run_path


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Figures are made and not saved, intervals rough: neither is what is tested here."""
    monkeypatch.setattr(drawing, "save_both", lambda figure, path: None)
    monkeypatch.setattr(tables, "RESAMPLES", 100)
    tables._estimate_of.cache_clear()
    yield
    tables._estimate_of.cache_clear()


@pytest.mark.parametrize(("seed", "share"), [(0, 0.02), (1, 0.06), (2, 0.15)])
def test_any_part_of_the_grid_makes_a_page(tmp_path, seed, share):
    random = np.random.default_rng(seed)
    write_runs(tmp_path, keep=lambda *_: random.random() < share, scenes=10)
    text = results_page.write_page(tmp_path, tmp_path / "page.md").read_text()
    assert "## Where the numbers come from" in text
    assert "†" in text
    for line in text.split("\n"):
        if line.startswith("|"):
            assert "nan" not in line
            assert "None" not in line


@pytest.mark.parametrize("name", EVERYTHING)
def test_one_run_of_any_experiment_makes_a_page_that_concludes_nothing(tmp_path, name):
    left = [1]
    write_runs(tmp_path, (name,), keep=lambda *_: bool(left) and bool(left.pop()), scenes=5)
    text = results_page.write_page(tmp_path, tmp_path / "page.md").read_text()
    assert "**better" not in text
    assert "**worse" not in text


def test_the_claims_stand_on_the_draws_that_both_have(tmp_path):
    wanted = {"teacher": (0, 1), DEFAULT_STUDENT: (1, 2, 3, 4)}
    write_runs(
        tmp_path,
        ("label-fraction",),
        lambda _, regime, setting, arm, draw: draw in wanted.get(arm, ()),
        draws=5,
        scenes=20,
    )
    text = results_page.write_page(tmp_path, tmp_path / "page.md").read_text()
    claims = text.split("## Scaling")[0]
    assert "nothing concluded: 1 draw" in claims
    assert "| 1† | student of good grips | teacher (best of 1) |" in claims
    assert "measured with too few draws at 7" in claims


def test_episodes_have_a_claim_of_their_own_against_their_own_best_teacher(tmp_path):
    arms = ("teacher", "teacher_augmented", DEFAULT_STUDENT)
    write_runs(tmp_path, ("picking",), lambda _, regime, setting, arm, draw: arm in arms, scenes=5)
    claims = results_page.write_page(tmp_path, tmp_path / "page.md").read_text().split("## Grasping in")[0]
    for title in ("Blocks an episode (differences in blocks):", "All picks:", "Excluding repeats:"):
        table = claims.split(title)[1].split("\n\n")[1].split("\n")
        assert len(table) == 2 + 6  # three shares in each regime
        assert all("| 3 | student of good grips | teacher" in row for row in table[2:])


def test_models_with_memory_stand_beside_those_of_picking_in_the_same_cells(tmp_path):
    write_runs(tmp_path, ("memory", "picking"), lambda name, regime, *_: regime == "in-distribution", scenes=5)
    text = results_page.write_page(tmp_path, tmp_path / "page.md").read_text()
    head = text.split("### With memory of what has failed")[1].split("###")[0]
    assert head.count("| in distribution | ") == 4
    section = text.split("## Models that remember")[1].split("\n## ")[0]
    for title in (
        "teacher, augmented, with memory",
        "student of good grips, with memory",
        "by chance, of the good grips",
        "compute-matched teacher",
        "student of the augmented teacher",
    ):
        assert section.count(f"| {title} | 3 |") == 1
    assert "− student of good grips |" in section


def test_an_experiment_without_a_single_run_is_passed_over(tmp_path):
    write_runs(tmp_path, ("entropy",), scenes=5)
    (tmp_path / "picking" / "runs").mkdir(parents=True)
    text = results_page.write_page(tmp_path, tmp_path / "page.md").read_text()
    assert "## Low entropy" in text
    assert "## Grasping in the simulation" not in text


def test_the_default_student_stands_against_its_rule_by_chance(tmp_path):
    write_runs(tmp_path, ("label-fraction",), lambda _, regime, setting, *rest: setting == "5 %", scenes=20)
    text = results_page.write_page(tmp_path, tmp_path / "page.md").read_text()
    assert "| student of good grips | by chance, of the good grips |" in text.split("## Scaling")[0]
    assert "− by chance, of the good grips |" in text.split("## Scaling")[1]


def test_the_methods_are_held_against_the_default_in_numbers_that_follow_from_the_runs(tmp_path):
    outcomes = {"grip": "1" * 50 + "0" * 10, "grip-true": "1" * 50 + "0" * 10, "room": "1" * 60, "plain": "0" * 60}
    write_runs(tmp_path, ("methods",), lambda _, regime, setting, *rest: setting in outcomes, scenes=60)
    for run in read_runs(tmp_path / "methods"):
        if run.arm == "student_method":
            write_json(run.path, {**run.values, "one_shot": {"outcomes": outcomes[run.setting]}})
    design = DESIGNS["methods"]
    lines = methods_lines(tables.cells(read_runs(tmp_path / "methods"), design))
    assert lines[-1].endswith("better than it: 1; worse: 1; not told from it: 1.")
    (room,) = [line for line in lines if drawing.setting_title(design, "room") in line]
    assert [cell.split(" [")[0].strip() for cell in room.split("|")][4:7:2] == ["+100.0", "+16.7"]


def test_controls_of_the_label_fractions_stand_beside_the_methods_once(tmp_path):
    write_runs(tmp_path, ("methods", "label-fraction"), lambda _, regime, *rest: regime == "domain-shift", scenes=20)
    for run in read_runs(tmp_path / "label-fraction"):
        if (run.arm, run.setting) == ("student_augmented", "5 %"):  # the plain row is its student
            plain = run_path(tmp_path / "methods", "domain-shift", "plain", "student_method", run.draw)
            write_json(run.path, {**run.values, "model": read_run(plain).values["model"]})
    text = results_page.write_page(tmp_path, tmp_path / "page.md").read_text()
    section = text.split("## Students by method")[1].split("\n## ")[0]
    arms = ("random", "scripted", *TEACHERS, "student", "student_matched")
    for title in map(drawing.arm_title, arms):
        assert section.count(f"| {title} | 3 |") == 1
    assert "| student of the augmented teacher |" not in section
    rate = next(line for line in section.split("\n") if line.startswith("| random foreground pixel")).split("|")[3]
    table = text.split("## Scaling")[1].split("| 5 % (100) |")[1].split("| 20 % (400) |")[0]
    assert f"random foreground pixel | 3 |{rate}|" in table

"""The demo's report, built from real stages over a world of boxes and two tiny untrained networks."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from tests.fakes.boxes import WORKSPACE, BoxPolicy, BoxWorld, BoxWorldSpec

from grasping_student.datasets.schema import Attempt
from grasping_student.datasets.store import DatasetWriter
from grasping_student.episodes.configuration import StopRule
from grasping_student.episodes.policy_spec import make_policy
from grasping_student.evaluation import one_shot, picking_stage
from grasping_student.evaluation.configuration import OneShotConfig, PickingConfig
from grasping_student.geometry.grasp import PlanarGrasp
from grasping_student.models.configuration import ModelConfig, NetworkConfig
from grasping_student.models.grasp_model import GraspModel
from grasping_student.pipeline.errors import UserError
from grasping_student.study.demo import report as demo_report
from grasping_student.study.demo.page import build_report, compare, headline
from grasping_student.study.demo.readme_table import BEGIN, END, with_table
from grasping_student.study.demo.report import DemoRun

CONDITIONS = ("antipodal", "teacher_alone", "teacher", "student")


def policy(spec, environment):
    return make_policy(spec, environment) if Path(spec).is_dir() else BoxPolicy(spec)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    config = ModelConfig(NetworkConfig(widths=(4, 4)), WORKSPACE)
    checkpoints = {}
    for seed, condition in enumerate(CONDITIONS[1:]):
        curve = [{"step": 1.0, "loss": 3.0}, {"step": 2.0, "loss": 2.0 - seed / 10}]
        GraspModel.new(config, seed).save(folder / condition, metrics={"learning_curve": curve})
        checkpoints[condition] = folder / condition
    models = ("antipodal=random", *(f"{condition}={path}" for condition, path in checkpoints.items()))
    world, dataset = BoxWorld(), folder / "dataset"
    with DatasetWriter(dataset, WORKSPACE) as writer:
        for episode in range(3):
            world.reset(episode)
            scene = world.observe().heightmap
            row, col = np.argwhere(scene.graspable_foreground())[0]
            grasp = PlanarGrasp(row, col, 0.4)
            outcome = world.execute(grasp)
            writer.append(
                scene,
                Attempt(episode=episode, index=0, environment="boxes", source="script", grasp=grasp, outcome=outcome),
            )
    again = f"general={checkpoints['teacher']}"  # the teacher once more, in this test alone, behind the student
    shots = OneShotConfig(models=(*models, again), scenes=5, out=folder / "one-shot")
    picks = PickingConfig(models=models, episodes=3, stop=StopRule(attempts=9), out=folder / "picking")
    return DemoRun(
        out=folder / "report",
        seed=4,
        one_shot=one_shot.run(shots, BoxWorldSpec(), policy),
        picking=picking_stage.run(picks, BoxWorldSpec(), policy),
        checkpoints=checkpoints,
        dataset=dataset,
        labels=3,
        scenes=120,
        timing_s={"teacher": 1.5},
        environment=BoxWorldSpec(),
    )


@pytest.fixture(scope="module")
def report(run):
    return build_report(run)


def test_json_has_the_documented_fields_and_its_counts_add_up(run, report):
    assert json.loads((run.out / "report.json").read_text()) == report
    for name in (*CONDITIONS, "difference"):
        assert {"attempts", "successes", "success_rate", "wilson_95", "bootstrap_95"} <= set(report[name])
    for name in CONDITIONS:
        row = report[name]
        assert row["attempts"] == row["one_shot"]["attempts"] + row["episodes"]["attempts"]
        assert row["success_rate"] == row["successes"] / row["attempts"]
        assert row["attempts"] - row["successes"] == sum(row["failures"].values())
    assert report["difference"]["success_rate"] == pytest.approx(
        report["student"]["success_rate"] - report["teacher"]["success_rate"]
    )
    assert report["difference"]["units"] == 5 + 3
    assert report["timing_s"] == {"teacher": 1.5}
    assert report["seed"] == 4
    assert "commit" in report


def test_a_condition_that_took_one_test_is_compared_on_it_alone_and_in_the_same_direction(report):
    teacher, again = report["difference"]["one_shot"], report["difference_to_general"]["one_shot"]
    for key in ("attempts", "successes", "units", "wilson_95"):
        assert again[key] == pytest.approx(teacher[key]), key
    assert again["success_rate"] == pytest.approx(teacher["success_rate"])
    assert {**report["difference_to_general"], "bootstrap_95": None} == {
        **again,
        "bootstrap_95": None,
        "first": "general",
        "second": "student",
        "one_shot": again,
        "episodes": dict.fromkeys(report["difference_to_general"]["episodes"]),
    }


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.addresses, self.alternatives, self.tags, self.text = [], [], [], []

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.tags.append(tag)
        self.addresses += [values[name] for name in ("src", "href", "action", "data", "srcset") if name in values]
        if tag == "img":
            self.alternatives.append(values.get("alt"))

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_asks_no_server_and_describes_every_picture(run, report):
    text = (run.out / "report.html").read_text()
    page = Page()
    page.feed(text)
    assert page.addresses
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert not {"script", "link", "iframe"} & set(page.tags)
    assert not re.search(r"url\(|@import|https?://", text)
    assert all(page.alternatives)
    assert len(page.alternatives) > 6 + 3 * 4 + 3


def test_the_page_begins_with_what_the_photos_bought(run, report):
    sentence = headline(report)
    teacher, student = (report[name]["one_shot"]["success_rate"] for name in ("teacher", "student"))
    assert sentence.startswith(f"The 120 photos bought {100 * (student - teacher):+.1f} points [")
    assert f"of the same 3 labels without the photos, with {100 * teacher:.1f} %" in sentence
    text = (run.out / "report.html").read_text()
    assert text.index(sentence) < text.index("Student less")
    assert headline({"student": report["student"]}) == ""


def test_the_page_shows_what_the_json_holds(run, report):
    text = (run.out / "report.html").read_text()
    for name in CONDITIONS:
        shot = report[name]["one_shot"]
        assert f"<td>{shot['attempts']}</td><td>{shot['successes']}</td>" in text


def test_the_same_run_gives_the_same_page(run, report, monkeypatch):
    monkeypatch.setattr(demo_report, "code_commit", lambda: report["commit"])  # the source may change meanwhile
    before = (run.out / "report.html").read_bytes()
    build_report(run)
    assert (run.out / "report.html").read_bytes() == before


def test_an_evaluation_that_has_not_finished_is_named(run, report, tmp_path):
    from dataclasses import replace

    with pytest.raises(UserError, match="--resume"):
        build_report(replace(run, one_shot=tmp_path))


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [(0.02, 0.1, "better"), (-0.1, -0.02, "worse"), (-0.02, 0.1, "does not tell"), (0.0, 0.1, "does not tell")],
)
def test_a_sentence_follows_from_the_interval_and_nothing_is_concluded_from_few_scenes(low, high, told):
    difference = {"success_rate": (low + high) / 2, "bootstrap_95": [low, high], "units": 50}
    text = compare("teacher", "student", "one-shot", difference)
    assert told in text and ("includes zero" in text) == (low <= 0 <= high)
    assert "nothing can be concluded" in compare("teacher", "student", "one-shot", {**difference, "units": 9})
    assert "cannot be compared" in compare("teacher", "student", "one-shot", None)


def test_the_table_of_a_page_is_renewed_between_its_markers_alone(report):
    page = f"above\n{BEGIN}\nold\n{END}\nbelow"
    once = with_table(page, report)
    assert once.startswith("above\n") and once.endswith("\nbelow") and "old" not in once
    assert with_table(once, report) == once
    rows = [line for line in once.splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {4} and len(rows) == 2 + len(CONDITIONS) + 1
    with pytest.raises(UserError, match="has no lines"):
        with_table("no markers", report)


def test_text_is_escaped_on_the_page_and_not_in_markdown():
    from grasping_student.study.demo.page import environment

    assert environment().autoescape("report.html.j2") and not environment().autoescape("readme_table.md.j2")

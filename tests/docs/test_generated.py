"""Parts of pages that a program writes are what it would write today."""

import importlib
import re
import tomllib

import pytest
from benchmarks import cluster, serving_load, simulator_page
from tests.docs.pages import ROOT

from grasping_student.pipeline.files import read_json
from grasping_student.study.demo.readme_table import with_table


def test_the_demo_table_of_the_readme_is_the_reports():
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    assert with_table(page, read_json(ROOT / "results" / "demo" / "report.json")) == page


def test_the_tables_of_the_simulators_page_are_the_measured_ones():
    page = (ROOT / "docs" / "simulator.md").read_text(encoding="utf-8")
    assert simulator_page.with_numbers(page) == page


def test_the_table_of_the_servers_page_is_the_measured_one():
    page = (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")
    told = read_json(ROOT / "benchmarks" / "results" / "serving_load.json")
    assert serving_load.with_table(page, told) == page


MEASURED = {
    "general_model_rates": "general-model",
    "one_pass": "one-pass",
    "one_pass_model": "one-pass-model",
    "online_attempts": "own-attempts",
    "real_labels": "real-labels",
}
"""Script -> name of the markers on its page."""


@pytest.mark.parametrize(("module", "marker"), MEASURED.items())
def test_a_table_between_markers_is_the_measured_one(module, marker, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    script = importlib.import_module(module)
    _, _, rest = script.PAGE.read_text(encoding="utf-8").partition(f"<!-- {marker}: begin -->\n")
    table, end, _ = rest.partition(f"\n<!-- {marker}: end -->")
    assert end and table == script.table(read_json(script.RESULTS))


def test_the_tables_of_the_clusters_page_are_the_measured_ones():
    page = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    told = read_json(ROOT / "benchmarks" / "results" / "cluster.json")
    assert cluster.with_table(page, told) == page


def test_the_packages_of_the_concepts_page_are_the_layers():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (layers,) = (each["layers"] for each in project["tool"]["importlinter"]["contracts"] if each["type"] == "layers")
    section = (ROOT / "docs" / "concepts.md").read_text(encoding="utf-8").split("## Packages")[1]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == layers

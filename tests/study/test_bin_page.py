"""The page of the experiments in bins: shares of the gap, the same bytes each time, every control in every table."""

import numpy as np
import pytest
from tests.fakes.runs import write_runs

from grasping_student.cli.main import main
from grasping_student.pipeline.errors import UserError
from grasping_student.study import bin_page
from grasping_student.study.bin_designs import BIN_DESIGNS, BIN_POOL
from grasping_student.study.conditions import CONDITIONS
from grasping_student.study.configuration import ExperimentConfig, bins
from grasping_student.study.rates import Evidence
from grasping_student.study.stage_graph import StageGraph
from grasping_student.study.stage_registry import shipped_network

RATES = {"antipodal": 0.4, "person-exact": 0.9, "general": 0.65, "random": 0.1}
CONTROLS = {"random", "antipodal", "person", "person-exact", "teacher", "teacher_augmented", "teacher_matched"}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    out = tmp_path_factory.mktemp("bins")
    return write_runs(
        out,
        tuple(BIN_DESIGNS),
        lambda name, domain, level, *_: domain == "bin" and level == "50",
        scenes=200,
        rates=RATES,
    )


def test_the_share_of_the_gap_is_zero_for_geometry_and_one_for_what_is_possible(results):
    evidence = Evidence.read(results, "bin-labels")
    shares = {each: bin_page.share_of_gap(evidence, "bin", "50", each) for each in ("antipodal", "person-exact")}
    assert shares["antipodal"][0] == 0.0 and tuple(shares["antipodal"][1]) == (0.0, 0.0)
    assert shares["person-exact"][0] == 1.0 and tuple(shares["person-exact"][1]) == (1.0, 1.0)
    value, interval = bin_page.share_of_gap(evidence, "bin", "50", "general")
    low, high, own = (evidence.rate("bin", "50", each, "one_shot").value for each in (*shares, "general"))
    assert value == pytest.approx((own - low) / (high - low))
    assert interval.low < value < interval.high and interval.high - interval.low < 0.6
    assert bin_page.share_of_gap(evidence, "bin", "50", "nobody") is None


def test_the_page_is_the_same_each_time_and_its_tables_are_whole(results, capsys):
    pages = []
    for name in ("a.md", "b.md"):
        assert (
            main(["experiment", "report", "--preset", "bin", "--out", str(results), "--page", str(results / name)]) == 0
        )
        pages.append((results / name).read_text())
    assert pages[0] == pages[1]
    width = 0
    for line in pages[0].splitlines():
        width = 0 if not line.startswith("|") else width or line.count("|")
        assert not width or line.count("|") == width, line
    for condition in BIN_DESIGNS["bin-labels"].conditions("50", "bin"):
        assert f"| {CONDITIONS[condition].title} | 3 |" in pages[0]
    head = pages[0].partition("## Labels and photos")[0]
    assert "- **Bin, 50 labels:** geometry alone succeeds with 4" in head
    assert "Geometry is not enough: " in head and "conditions that have learnt are told from it and ahead" in head
    evidence = Evidence.read(results, "bin-labels")
    for each in bin_page.PURCHASES:
        told = evidence.difference("bin", ("50", each.first), ("50", each.second), "one_shot").text(True)
        assert f"| {each.title} | " in head and told in head


def test_without_results_it_says_how_to_make_some(tmp_path):
    with pytest.raises(UserError, match="experiment bin-labels --preset bin"):
        bin_page.write_bin_page(tmp_path, tmp_path / "page.md")


@pytest.mark.parametrize("name", BIN_DESIGNS)
def test_every_control_stands_in_every_table_of_the_bins(name):
    design = BIN_DESIGNS[name]
    for domain in design.domains:
        for level in design.levels:
            conditions = set(design.conditions(level, domain))
            assert conditions >= CONTROLS
            assert {"teacher_paper_antipodal", "teacher_antipodal", "teacher_matched_antipodal"} <= conditions
            assert {"student", "student_paper_antipodal", "student_antipodal", "student_unconstrained"} <= conditions
    assert bins().sizes.pool == BIN_POOL
    assert [round(level.share * BIN_POOL) for level in design.levels.values()] == list(map(int, design.levels))


def test_what_starts_from_the_general_model_has_its_network_and_the_photos_are_of_training_categories(tmp_path):
    graph = StageGraph(ExperimentConfig(name="bin-labels", sizes=bins().sizes, cache=tmp_path))
    from grasping_student.study.design import Trial

    trial = Trial("bin", "100", 1, BIN_DESIGNS["bin-labels"].levels["100"])
    adapted, student = graph.model("general_outcomes", trial), graph.model("student_general", trial)
    assert adapted.config.initial == graph.general().out and adapted.config.labels == 100
    assert student.config.initial == adapted.out
    assert adapted.config.network == student.config.network == shipped_network()
    assert graph.data.scenes("bin").config.family == "bin"
    assert graph.environment("bin").family == "bin-test"
    assert graph.data.pool("bin").config.policy == "person"
    np.testing.assert_equal(graph.model("outcomes", trial).config.initial, None)

"""The demo as a user starts it: stages, report, refusal of an existing folder, resume."""

import json
import subprocess
import sys

import pytest

CONDITIONS = ("antipodal", "person", "person_exact", "teacher_alone", "student_alone", "general", "teacher", "student")
TINY = [
    "--labels",
    "8",
    "--scenes",
    "10",
    "--teacher-steps",
    "4",
    "--student-steps",
    "4",
    "--one-shot-scenes",
    "3",
    "--episodes",
    "1",
    "--workers",
    "1",
    "--seed",
    "3",
]


def demo(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "grasping_student.cli.main", "demo", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo") / "run"
    done = demo(*TINY, "--out", out)
    assert done.returncode == 0, done.stderr
    return out, done


def test_the_report_holds_every_condition_with_its_counts_and_intervals(finished):
    out, done = finished
    report = json.loads((out / "report.json").read_text())
    for condition in CONDITIONS:
        row = report[condition]
        low, high = row["wilson_95"]
        assert 0 <= low <= row["success_rate"] <= high <= 1
        assert row["one_shot"]["attempts"] == 3
        assert row["successes"] == round(row["attempts"] * row["success_rate"])
        assert (row["episodes"] is None) == (condition in ("person", "person_exact", "teacher_alone"))
    assert len(report["difference"]["bootstrap_95"]) == 2
    assert set(report["timing_s"]) == {
        "collect_labels",
        "collect_photos",
        "teachers",
        "pseudo_labels",
        "students",
        "one_shot",
        "picking",
    }
    assert report["seed"] == 3 and report["family"] == "bin-test"
    assert done.stdout.startswith("The 10 photos bought ")
    assert str(out / "report.html") in done.stdout
    page = (out / "report.html").read_text()
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "<h2>Limits</h2>" in page
    assert "<h3>Its first grasp, seen from the side</h3>" in page


def test_an_existing_folder_is_refused_and_a_finished_demo_resumes_at_once(finished):
    out, _ = finished
    refused = demo(*TINY, "--out", out)
    assert refused.returncode == 2
    assert "--resume" in refused.stderr
    assert "Traceback" not in refused.stderr
    before = (out / "student" / "model.safetensors").read_bytes()
    other = demo(*TINY, "--labels", "9", "--out", out, "--resume")
    assert other.returncode == 2
    assert "labels" in other.stderr
    again = demo(*TINY, "--out", out, "--resume")
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("done before") == 7
    assert (out / "student" / "model.safetensors").read_bytes() == before

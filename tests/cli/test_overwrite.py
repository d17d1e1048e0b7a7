"""``--overwrite`` from the command line: nobody's labels, nobody's page and nobody else's output are deleted."""

import os
import subprocess
import sys

import numpy as np
import pytest

from grasping_student.cli.main import main
from grasping_student.datasets.schema import Attempt
from grasping_student.datasets.store import Dataset, DatasetWriter
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace

WORKSPACE = Workspace(pixels=40)
COLLECT = ["collect", "--kind", "scenes", "--count", "2", "--pixels", "40", "--family", "sparse", "--workers", "1"]


def write(folder, source, environment="simulation"):
    flat = Heightmap(np.zeros((40, 40), np.float32), np.zeros((40, 40, 3), np.uint8), WORKSPACE)
    with DatasetWriter(folder, WORKSPACE) as writer:
        grasp = PlanarGrasp(20, 20, 0.0)
        labelled = {"source": source, "grasp": grasp, "z": 0.01, "outcome": Outcome.SUCCESS}
        writer.append(flat, Attempt(episode=0, index=0, environment=environment, **labelled))
    return Dataset(folder).version


@pytest.mark.parametrize(
    "words",
    [
        COLLECT,
        ["demo", "--preset", "smoke"],
        ["predict", "--depth", "d.npy", "--intrinsics", "c.json", "--camera-to-world", "p.txt"],
        ["export"],
        ["cell", "fake"],
    ],
    ids=lambda words: words[0],
)
@pytest.mark.parametrize("began", ["{}", '{"stage": "collect"}', '{"stage": "demo"}'])
def test_no_command_deletes_the_labels_of_a_person(tmp_path, monkeypatch, capsys, words, began):
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "run"
    version = write(out / "labels", "human")
    (out / "started.json").write_text(began)
    main([*words, "--out", "run", "--overwrite"])
    assert "Traceback" not in capsys.readouterr().err
    assert Dataset(out / "labels").version == version


@pytest.mark.parametrize(
    ("source", "environment", "kept"),
    [("script", "simulation", False), ("human", "simulation", True), ("policy", "robot-cell", True)],
)
def test_a_collection_is_replaced_unless_no_simulator_can_make_it_again(tmp_path, capsys, source, environment, kept):
    out = tmp_path / "d"
    assert main([*COLLECT, "--out", str(out)]) == 0
    version = write(out, source, environment)
    assert main([*COLLECT, "--out", str(out), "--overwrite"]) == (2 if kept else 0)
    assert (Dataset(out).version == version) == kept
    assert ("which --overwrite does not delete" in capsys.readouterr().err) == kept


def test_a_dataset_on_an_open_page_is_not_replaced(tmp_path, capsys):
    out = tmp_path / "d"
    assert main([*COLLECT, "--out", str(out)]) == 0
    version = Dataset(out).version
    command = [sys.executable, "-m", "grasping_student.cli.main", "dataset", "browse", str(out), "--port", "0"]
    page = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ)
    try:
        for line in page.stdout:
            if "http://" in line:
                break
        assert main([*COLLECT, "--out", str(out), "--overwrite"]) == 2
        assert f"is open in process {page.pid}" in capsys.readouterr().err
        assert Dataset(out).version == version
    finally:
        page.terminate()
        page.communicate(timeout=30)
    assert main([*COLLECT, "--out", str(out), "--overwrite"]) == 0

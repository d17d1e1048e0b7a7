"""The stages of the documentation, run as written but for their sizes."""

import runpy
import shutil
from dataclasses import asdict

import numpy as np
import pytest
from PIL import Image
from tests.docs.pages import ROOT, commands

from grasping_student.cameras.simulated import looking_down, render
from grasping_student.cli.main import main
from grasping_student.datasets.store import Dataset
from grasping_student.perception.frame import Intrinsics
from grasping_student.pipeline.files import read_json, write_json

SMALL = {
    "collect": {"--count": "6", "--per-episode": "3", "--workers": "1"},
    "dataset filter": {"--count": "2"},
    "train": {"--loop.steps": "2"},
    "pseudo-label": {"--workers": "1"},
    "dataset import frames": {"--workers": "1"},
    "evaluate one-shot": {"--scenes": "2", "--workers": "1"},
    "dataset choose": {"--count": "3"},
    "evaluate picking": {"--episodes": "1", "--stop.attempts": "2", "--workers": "1"},
}
"""First words of a command -> options and values that make it quick."""

write_frame = runpy.run_path(str(ROOT / "examples" / "03_predict_on_a_depth_image.py"))["write_frame"]

INTERACTIVE = ("label", "dataset browse")


def small(words: list[str]) -> list[str]:
    """The command with its sizes replaced."""
    line = " ".join(words)
    sizes = next((sizes for start, sizes in SMALL.items() if line.startswith(start)), {})
    if line.startswith("dataset filter") and "--count" not in words:
        sizes = {}
    words = list(words)
    for option, value in sizes.items():
        if option in words:
            words[words.index(option) + 1] = value
        else:
            words += [option, value]
    return words


def walk(page: str) -> int:
    """Run the program's commands of a page in their order; return how many."""
    count = 0
    for program, *words in commands(ROOT / page):
        if not program.endswith("grasping-student") or " ".join(words).startswith(INTERACTIVE):
            continue
        if words[0] in ("demo", "--help") or words[:2] == ["evaluate", "table"]:
            continue
        assert main(small(words)) == 0, words
        count += 1
    return count


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder with what the pages take for granted: labels of a person, and frames of a camera in millimetres."""
    folder = tmp_path_factory.mktemp("walkthrough")
    for seed, name in enumerate(("my-labels", "my-test")):
        parts = [str(folder / f"{policy}-{seed}") for policy in ("scripted", "random")]  # successes and failures
        for policy, out in zip(("scripted", "random"), parts, strict=True):
            assert main(small(["collect", "--policy", policy, "--seed", str(seed), "--out", out])) == 0
        assert main(["dataset", "merge", *parts, "--out", str(folder / "runs" / name)]) == 0
    shutil.copytree(folder / "runs" / "my-test", folder / "runs" / "judged-student")
    assert main(small(["collect", "--kind", "scenes", "--out", str(folder / "scenes")])) == 0
    frames, new = folder / "my-frames", folder / "new"
    lens, pose = Intrinsics(454.0, 454.0, 319.5, 239.5, 640, 480), looking_down(0.7)
    (frames / "depth").mkdir(parents=True)
    new.mkdir()
    write_json(frames / "camera.json", asdict(lens))
    np.savetxt(frames / "pose.txt", pose)
    scenes = Dataset(folder / "scenes")
    for number, scene in enumerate(scenes.attempts()):
        depth = render(scenes.heightmap(scene.id), lens, pose).depth
        picture = Image.fromarray(np.nan_to_num(1000.0 * depth).round().astype(np.uint16))
        picture.save(frames / "depth" / f"{number:06d}.png")
        picture.save(new / "depth.png")
    return folder


@pytest.fixture
def workplace(prepared, tmp_path, monkeypatch):
    """A copy of the prepared folder, in which the program runs."""
    folder = shutil.copytree(prepared, tmp_path / "workplace")
    monkeypatch.chdir(folder)
    return folder


def test_getting_started_and_the_dataset_commands(workplace):
    (workplace / "runs" / "frame").mkdir()
    write_frame(workplace / "runs" / "frame")
    assert walk("docs/getting-started.md") >= 9
    assert set(read_json(workplace / "runs" / "one-shot" / "metrics.json")["models"]) == {"teacher", "student"}
    assert walk("docs/datasets.md") >= 8


def test_own_bin(workplace):
    assert walk("docs/own-bin.md") >= 8
    assert np.isfinite(read_json(workplace / "runs" / "my-predict" / "grasp.json")["grasp"]["z"])
    assert set(read_json(workplace / "runs" / "my-proxy" / "metrics.json")["models"]) == {"teacher", "student"}

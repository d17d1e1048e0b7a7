"""Recordings as people lay them out: natural order, colours by any usual name, one folder a frame, lists of times."""

import json
import shutil

import cv2
import numpy as np
import pytest
from foreign_data import write_frames

from grasping_student.cli.main import main
from grasping_student.datasets.importers.frame_folders import find_frames
from grasping_student.datasets.importers.frames import FramesImport, run
from grasping_student.datasets.store import Dataset
from grasping_student.pipeline.errors import UserError

COUNT = 12


@pytest.fixture
def frames(tmp_path):
    """Twelve frames; each colour picture is of one grey that is ten times its number."""
    write_frames(tmp_path / "f", COUNT, "mm", suffix="png")
    return tmp_path / "f"


def greys(frames, out, **options):
    """Grey of each imported scene, in order: 10 n for frame n, 0 for none; and the report."""
    report = run(FramesImport(frames, out, depth_unit="mm", pixels=20, workers=1, **options))
    dataset = Dataset(out)
    return [int(dataset.heightmap(i).rgb.max()) for i in dataset.ids()], report


def rename(folder, pattern, start=0):
    for number, path in enumerate(sorted(folder.iterdir()), start=start):
        path.rename(folder / pattern.format(number))


def times(frames):
    for number, path in enumerate(sorted((frames / "depth").iterdir())):
        path.rename(path.with_name(f"1305031102.{160000 + 30000 * number:06d}.png"))
    for number, path in enumerate(sorted((frames / "color").iterdir())):
        path.rename(path.with_name(f"1305031102.{165000 + 30000 * number:06d}.png"))


def lists(frames):
    times(frames)
    (frames / "color").rename(frames / "rgb")
    for name, folder in (("depth.txt", "depth"), ("rgb.txt", "rgb")):
        lines = [f"{path.stem} {folder}/{path.name}" for path in sorted((frames / folder).iterdir())]
        (frames / name).write_text("\n".join(["# timestamp filename", *reversed(lines)]) + "\n")


def one_folder(frames):
    for path in [*(frames / "depth").iterdir(), *(frames / "color").iterdir()]:
        path.rename(frames / f"{path.stem}.{path.parent.name}.png")
    (frames / "depth").rmdir()
    (frames / "color").rmdir()


def a_folder_each(frames):
    for number in range(COUNT):
        (frames / str(number)).mkdir()
        for kind in ("depth", "color"):
            (frames / kind / f"f{number:03d}.png").rename(frames / str(number) / f"{kind}.png")
    shutil.rmtree(frames / "depth")
    shutil.rmtree(frames / "color")


def a_folder_each_with_calibration(frames):
    a_folder_each(frames)
    for number in range(COUNT):
        for name in ("camera.json", "pose.txt"):
            shutil.copy(frames / name, frames / str(number) / name)
    (frames / "camera.json").unlink()
    (frames / "pose.txt").unlink()


LAYOUTS = {
    "as documented": lambda frames: None,
    "numbers without zeros": lambda frames: [rename(frames / kind, "{}.png") for kind in ("depth", "color")],
    "capitals": lambda frames: [rename(frames / kind, "f{:03d}.PNG") for kind in ("depth", "color")],
    "capital folders": lambda frames: [(frames / kind).rename(frames / kind.title()) for kind in ("depth", "color")],
    "other words": lambda frames: (
        rename(frames / "depth", "depth_{:04d}.png"),
        rename(frames / "color", "rgb_{:d}.png"),
    ),
    "rgb": lambda frames: (frames / "color").rename(frames / "rgb"),
    "colour": lambda frames: (frames / "color").rename(frames / "colour"),
    "times": times,
    "lists of times": lists,
    "one folder": one_folder,
    "a folder each": a_folder_each,
    "a folder each with calibration": a_folder_each_with_calibration,
}


@pytest.mark.parametrize("change", LAYOUTS.values(), ids=LAYOUTS)
def test_every_layout_gives_the_same_frames_in_the_same_order(frames, tmp_path, change):
    change(frames)
    for path in [frames, *(each for each in frames.rglob("*") if each.is_dir())]:
        (path / "._000.png").write_bytes(b"\x00\x05\x16\x07")  # what a Mac leaves behind
        (path / ".DS_Store").write_bytes(b"\x00")
    found, report = greys(frames, tmp_path / "ours", frames_per_episode=3)
    assert found == [10 * number for number in range(COUNT)]
    assert not report.notes and not report.skipped
    assert [each.episode for each in Dataset(tmp_path / "ours").attempts()] == [n // 3 for n in range(COUNT)]


def test_frames_without_colours_are_counted_in_one_line(frames, tmp_path, capsys):
    for number in (1, 4):
        (frames / f"color/f{number:03d}.png").unlink()
    options = ["--depth-unit", "mm", "--pixels", "20", "--workers", "1"]
    assert main(["dataset", "import", "frames", str(frames), "--out", str(tmp_path / "ours"), *options]) == 0
    assert f"2 of {COUNT} frames have no colours" in capsys.readouterr().out
    assert "2 of 12" in json.loads((tmp_path / "ours" / "import.json").read_text())["notes"][0]


def test_colours_whose_depth_is_lost_are_told(frames, tmp_path):
    (frames / "depth/f003.png").unlink()
    assert "1 colour pictures have no depth" in greys(frames, tmp_path / "ours")[1].notes[0]


def test_depths_in_another_unit_than_told_are_named(frames, tmp_path):
    for path in (frames / "depth").iterdir():
        stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        cv2.imwrite(str(path), (stored.astype(np.uint32) * 4).astype(np.uint16))
    with pytest.raises(UserError, match=r"--depth-scale 0\.00025"):
        greys(frames, tmp_path / "ours")


def test_one_unreadable_picture_is_counted_and_the_others_are_imported(frames, tmp_path):
    (frames / "depth/f003.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    (frames / "color/f005.png").unlink()
    (frames / "color/f005.png").mkdir()
    (frames / "color/f007.png").unlink()
    (frames / "color/f007.png").symlink_to("/etc/hostname")
    found, report = greys(frames, tmp_path / "ours")
    assert found == [10 * number for number in range(COUNT) if number not in (3, 5, 7)]
    assert sorted(entry.name for entry in report.skipped) == ["f003.png", "f005.png", "f007.png"]


def test_float_tiff_depth_is_read(frames, tmp_path):
    for path in (frames / "depth").iterdir():
        depth = cv2.imread(str(path), cv2.IMREAD_UNCHANGED).astype(np.float32)
        cv2.imwrite(str(path.with_suffix(".TIFF")), depth)
        path.unlink()
    assert len(greys(frames, tmp_path / "ours")[0]) == COUNT


@pytest.mark.parametrize("text", ["x depth/a.png", "1.0", "1.0 a b", "9" * 400 + " a", "\x00"])
def test_a_broken_list_of_times_is_refused(frames, text):
    (frames / "depth.txt").write_text(text + "\n")
    with pytest.raises(UserError, match=r"depth\.txt line 1"):
        find_frames(frames)


def test_a_folder_without_depth_names_the_layouts(tmp_path):
    (tmp_path / "notes").mkdir()
    with pytest.raises(UserError, match="NAME/depth"):
        find_frames(tmp_path)

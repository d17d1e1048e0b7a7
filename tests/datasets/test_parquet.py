"""A dataset goes out to Parquet and comes back the same; foreign and broken shards are refused."""

import importlib.metadata
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from damage import bomb_png, cut, empty, text
from dataset_scenes import SMALL, fill, scene
from PIL import Image

from grasping_student.cli.main import main
from grasping_student.datasets.importers.parquet import ParquetImport, run
from grasping_student.datasets.parquet import export_parquet
from grasping_student.datasets.schema import Attempt
from grasping_student.datasets.store import Dataset, DatasetWriter
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json


def _installed(distribution):
    # a bare import would find the folder of these tests under the same name
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


@pytest.fixture
def varied(tmp_path):
    """Attempts with every kind of value, one deleted."""
    with DatasetWriter(tmp_path / "varied", SMALL, batch=3) as writer:
        fill(writer, 10)
        writer.append(
            scene(50),
            Attempt(
                episode=7,
                index=0,
                environment="é",
                source="human",
                policy="p",
                policy_version="v",
                grasp=PlanarGrasp(3, 4, 1.2345678901234567),
                z=-0.001,
                outcome=Outcome.FAULT,
                extra={"note": "ü", "list": [1, None, 2.5]},
            ),
        )
        writer.append(scene(51), Attempt(episode=8, index=0, environment="x", extra={}))
        writer.delete(4)
    return tmp_path / "varied"


def test_there_and_back_is_the_same_dataset(varied, tmp_path):
    shards = export_parquet(varied, tmp_path / "out", rows_a_shard=5)
    assert [shard.name for shard in shards] == [f"attempts-{number:05d}-of-00003.parquet" for number in range(3)]
    report = run(ParquetImport(tmp_path / "out", tmp_path / "back"))
    assert report.imported == 11 and not report.skipped
    ours, back = Dataset(varied), Dataset(tmp_path / "back")
    assert back.version == ours.version and back.workspace == ours.workspace
    assert back.attempts() == ours.attempts()
    assert [attempt.grasp and attempt.grasp.angle for attempt in back.attempts()] == [
        attempt.grasp and attempt.grasp.angle for attempt in ours.attempts()
    ]
    for attempt in ours.attempts():
        np.testing.assert_array_equal(back.heightmap(attempt.id).height, ours.heightmap(attempt.id).height)
        np.testing.assert_array_equal(back.heightmap(attempt.id).rgb, ours.heightmap(attempt.id).rgb)


def test_any_reader_of_tables_and_pictures_understands_a_shard(varied, tmp_path):
    export_parquet(varied, tmp_path / "out")
    table = pq.read_table(tmp_path / "out" / "data")
    features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    assert set(features) == set(table.column_names)
    assert features["height"] == features["rgb"] == {"_type": "Image"}
    rows = table.to_pylist()
    attempt = Dataset(varied).attempt(rows[1]["id"])
    assert (rows[1]["row"], rows[1]["col"], rows[1]["angle"]) == (
        attempt.grasp.row,
        attempt.grasp.col,
        attempt.grasp.angle,
    )
    assert rows[1]["success"] is attempt.success and rows[0]["success"] is None
    heightmap = Dataset(varied).heightmap(attempt.id)
    rgb = np.asarray(Image.open(io.BytesIO(rows[1]["rgb"]["bytes"])))
    np.testing.assert_array_equal(rgb, heightmap.rgb)
    steps = np.asarray(Image.open(io.BytesIO(rows[1]["height"]["bytes"]))).astype(np.int64)
    metres = np.where(steps == 65535, np.nan, steps * 0.0001 - 1.0)
    np.testing.assert_allclose(metres, heightmap.height, atol=1e-6)
    card = (tmp_path / "out" / "README.md").read_text()
    assert card.startswith("---\nconfigs:") and "11 entries in 4 episodes" in card and Dataset(varied).version in card


def test_the_commands(varied, tmp_path, capsys):
    out, back = str(tmp_path / "out"), str(tmp_path / "back")
    assert main(["dataset", "export", str(varied), "--out", out, "--rows-per-shard", "4"]) == 0
    assert main(["dataset", "export", str(varied), "--out", out]) == 2
    assert main(["dataset", "export", str(varied), "--out", out, "--overwrite"]) == 0
    assert main(["dataset", "export", str(varied), "--out", str(tmp_path / "o"), "--rows-per-shard", "0"]) == 2
    assert main(["dataset", "import", "parquet", out, "--out", back]) == 0
    assert Dataset(tmp_path / "back").version == Dataset(varied).version
    with DatasetWriter(tmp_path / "empty", SMALL):
        assert main(["dataset", "export", str(tmp_path / "empty"), "--out", str(tmp_path / "e")]) == 2
    assert "is empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut, "whole Parquet"),
        (empty, "whole Parquet"),
        (text("x" * 100), "whole Parquet"),
        (lambda path: pq.write_table(pa.table({"a": [1]}), path), "was not written by"),
    ],
)
def test_a_broken_shard_stops_the_import(varied, tmp_path, damage, message):
    shards = export_parquet(varied, tmp_path / "out", rows_a_shard=5)
    damage(shards[1])
    with pytest.raises(UserError, match=message):
        run(ParquetImport(tmp_path / "out", tmp_path / "back"))
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ([1], r"lacks attempts-00001-of-00006\.parquet; copy the whole export of 6 shards"),
        ([0, 1, 3, 4, 5], r"attempts-00003-of-00006\.parquet and 2 more;"),
    ],
)
def test_a_missing_shard_stops_the_import(varied, tmp_path, lost, message):
    shards = export_parquet(varied, tmp_path / "out", rows_a_shard=2)
    for number in lost:
        shards[number].unlink()
    with pytest.raises(UserError, match=message):
        run(ParquetImport(tmp_path / "out", tmp_path / "back"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "varied"]


@pytest.mark.parametrize("change", [lambda rows: rows.pop(), lambda rows: rows[1].update(z=0.5)])
def test_other_content_than_was_exported_stops_the_import(varied, tmp_path, change):
    (shard,) = export_parquet(varied, tmp_path / "out")
    _rewrite(shard, change)
    with pytest.raises(UserError, match=f"exported with {Dataset(varied).version[:16]}.*Nothing was written"):
        run(ParquetImport(tmp_path / "out", tmp_path / "back"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "varied"]


def test_shards_under_other_names_that_lack_one_are_noticed_too(varied, tmp_path):
    shards = export_parquet(varied, tmp_path / "out", rows_a_shard=5)
    shards[2].unlink()
    for number, shard in enumerate(shards[:2]):
        shard.rename(shard.with_name(f"{number}.parquet"))
    with pytest.raises(UserError, match="attempts were added, lost or changed"):
        run(ParquetImport(tmp_path / "out", tmp_path / "back"))
    assert not (tmp_path / "back").exists()


def test_a_flipped_byte_stops_the_import_or_costs_one_row(varied, tmp_path):
    (shard,) = export_parquet(varied, tmp_path / "out")
    data, version = shard.read_bytes(), Dataset(varied).version
    for position in range(40, len(data) - 2000, 1997):
        shard.write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
        back = tmp_path / f"back{position}"
        try:
            report = run(ParquetImport(tmp_path / "out", back))
        except UserError:
            assert not back.exists()
        else:
            assert report.skipped or Dataset(back).version == version


def _rewrite(shard, change):
    table = pq.read_table(shard)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), shard)


def _bomb(rows):
    import pathlib
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "bomb.png"
        bomb_png(path)
        rows[1]["rgb"]["bytes"] = path.read_bytes()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda rows: rows[1].update(angle=float("nan")), "finite"),
        (lambda rows: rows[1].update(angle=None), "real number"),
        (lambda rows: rows[1].update(row=12), "outside the 12 x 12"),
        (lambda rows: rows[1].update(outcome="great"), "great"),
        (lambda rows: rows[1].update(source="robot"), "robot"),
        (lambda rows: rows[1].update(extra="{"), "Expecting"),
        (lambda rows: rows[1].update(height=None), "subscriptable"),
        (lambda rows: rows[1]["height"].update(bytes=b"x"), "no PNG"),
        (lambda rows: rows[1]["height"].update(bytes=rows[1]["rgb"]["bytes"]), "16-bit"),
        (lambda rows: rows[1]["rgb"].update(bytes=rows[1]["rgb"]["bytes"][:-40]), "cut off"),
        (lambda rows: rows[1].update(id=0), "is taken"),
        (_bomb, "12 x 12"),
    ],
)
def test_a_row_that_cannot_be_is_skipped(varied, tmp_path, change, reason):
    (shard,) = export_parquet(varied, tmp_path / "out")
    _rewrite(shard, change)
    report = run(ParquetImport(tmp_path / "out", tmp_path / "back"))
    assert report.imported == 10 and reason in report.skipped[0].reason


def test_shards_of_two_datasets_are_not_mixed(varied, filled, tmp_path):
    first = export_parquet(varied, tmp_path / "a")[0]
    second = export_parquet(filled.path, tmp_path / "b")[0]
    second.rename(first.with_name("other.parquet"))
    with pytest.raises(UserError, match="another dataset"):
        run(ParquetImport(tmp_path / "a", tmp_path / "back"))
    with pytest.raises(UserError, match=r"no \.parquet"):
        run(ParquetImport(tmp_path / "nowhere", tmp_path / "back"))
    assert read_json(tmp_path / "varied" / "dataset.json")["sealed"] == {}


@pytest.mark.skipif(not _installed("datasets"), reason="the optional package 'datasets' is not installed")
def test_datasets_shows_the_pictures(varied, tmp_path):
    import datasets

    export_parquet(varied, tmp_path / "out", rows_a_shard=5)
    files = str(tmp_path / "out" / "data" / "*.parquet")
    table = datasets.load_dataset("parquet", data_files=files, cache_dir=str(tmp_path / "cache"))["train"]
    ours = Dataset(varied)
    assert table["id"][:] == ours.ids().tolist()
    np.testing.assert_array_equal(np.asarray(table[1]["rgb"]), ours.heightmap(table[1]["id"]).rgb)


def test_an_export_never_replaces_the_dataset_itself(varied, capsys):
    version = Dataset(varied).version
    for out in (varied, varied.parent):
        assert main(["dataset", "export", str(varied), "--out", str(out), "--overwrite"]) == 2
        assert f"holds {varied}, which is read" in capsys.readouterr().err
    assert Dataset(varied).version == version

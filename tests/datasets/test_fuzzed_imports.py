"""Foreign data with random damage: an import ends with a report or in a sentence; ``FUZZ_SECONDS`` asks for more."""

import json
import os
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dataset_scenes import SMALL, fill
from foreign_data import (
    GOOD,
    cornell_corners,
    picture_with_bar,
    random_rgb,
    write_authors,
    write_cornell,
    write_frames,
    write_jacquard,
    write_session,
)

from grasping_student.datasets.importers import authors, cornell, frames, jacquard, parquet, pushing_grasping
from grasping_student.datasets.integrity import check_dataset
from grasping_student.datasets.parquet import KEY, export_parquet
from grasping_student.datasets.pseudo_label_table import Provenance, PseudoLabelTable
from grasping_student.datasets.store import Dataset, DatasetWriter
from grasping_student.pipeline.errors import UserError

SECONDS = float(os.environ.get("FUZZ_SECONDS", "1.5"))


def from_authors(folder):
    for date in "ab":
        write_authors(folder, date, np.zeros((12, 12), np.float32), random_rgb(12), GOOD)
    return lambda out: authors.run(authors.AuthorsImport(folder, out))


def from_cornell(folder):
    for number in (100, 101):
        corners = cornell_corners(24, 20, 0.3, 10, 5)
        write_cornell(folder, number, picture_with_bar(40, 48, 20, 24, 0.3), [corners], [corners])
    return lambda out: cornell.run(cornell.CornellImport(folder, out, pixels=20))


def from_jacquard(folder):
    for view in ("0_a", "0_b"):
        write_jacquard(folder, view, picture_with_bar(40, 40, 20, 24, 0.3), ["24;20;-17;10;5"])
    return lambda out: jacquard.run(jacquard.JacquardImport(folder, out, pixels=20))


def from_a_session(folder):
    write_session(folder, [np.zeros((12, 12))] * 2, [[1, 0, 5, 6], [1, 1, 5, 6]], [1, 0.5], [1])
    return lambda out: pushing_grasping.run(pushing_grasping.PushingGraspingImport(folder, out))


def from_frames(folder):
    write_frames(folder, 2)
    return lambda out: frames.run(frames.FramesImport(folder, out, pixels=20, workers=1))


def from_parquet(folder):
    with DatasetWriter(folder.with_name("d"), SMALL) as writer:
        fill(writer, 7)
    export_parquet(folder.with_name("d"), folder, rows_a_shard=4)
    return lambda out: parquet.run(parquet.ParquetImport(folder, out))


LAYOUTS = [from_authors, from_cornell, from_jacquard, from_a_session, from_frames, from_parquet]
WORDS = [b"nan", b"inf", b"-1", b"1e400", b"9" * 400, b"null", b"true", b"[" * 5000, b"{}", b'""', b"\x00", b"\xff\xfe"]


def damaged(data, random):
    """Some bytes changed, cut off, repeated, or a word put in that a parser may stumble over."""
    data, kind = bytearray(data), random.integers(5)
    if kind == 0:
        return bytes(data[: random.integers(len(data) + 1)])
    if kind == 1:
        place = int(random.integers(len(data) + 1))
        return bytes(data[:place]) + WORDS[random.integers(len(WORDS))] + bytes(data[place + int(random.integers(4)) :])
    if kind == 2:
        first, last = sorted(random.integers(len(data) + 1, size=2))
        data[first:last] = bytes(int(last - first))
        return bytes(data)
    for _ in range(int(random.integers(1, 20))) if data else ():
        data[int(random.integers(len(data)))] = int(random.integers(256))
    return bytes(data)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_random_damage_ends_in_a_report_or_a_sentence(tmp_path, layout):
    run, random, number = layout(tmp_path / "in"), np.random.default_rng(0), 0
    whole = run(tmp_path / "whole").imported
    files = {path: path.read_bytes() for path in (tmp_path / "in").rglob("*") if path.is_file()}
    begun = time.monotonic()
    while time.monotonic() - begun < SECONDS:
        path = list(files)[int(random.integers(len(files)))]
        path.write_bytes(damaged(files[path], random))
        out, number = tmp_path / f"out{number}", number + 1
        started = time.monotonic()
        try:
            report = run(out)
        except UserError:
            assert not out.exists()
        else:
            assert report.imported <= whole
            if number % 10 == 0:
                assert not check_dataset(out).damaged
        assert time.monotonic() - started < 20
        path.write_bytes(files[path])


@pytest.mark.parametrize(
    ("layout", "lost"), [(from_authors, "img_b.png"), (from_cornell, "pcd0101r.png"), (from_jacquard, "0_b_grasps.txt")]
)
def test_an_entry_whose_file_is_lost_is_told(tmp_path, layout, lost):
    run = layout(tmp_path / "in")
    (tmp_path / "in" / lost).unlink()
    report = run(tmp_path / "out")
    assert report.imported and any("missing" in entry.reason for entry in report.skipped)


def rewritten(shard, **changed):
    """The shard with other columns or metadata; a value that is called is given the column, None removes it."""
    table = pq.read_table(shard)
    metadata = dict(table.schema.metadata)
    if "metadata" in changed:
        metadata[KEY] = changed.pop("metadata")
    for name, column in changed.items():
        place = table.column_names.index(name)
        table = table.remove_column(place)
        if column is not None:
            table = table.add_column(place, name, column)
    pq.write_table(table.replace_schema_metadata(metadata), shard)


WORKSPACE = {"extent": 0.12, "pixels": 12, "margin": 0.01}
METADATA = [
    b"",
    b"[" * 100_000,
    b"3",
    b"[]",
    b"\xff\xfe",
    json.dumps({"schema_version": 1}).encode(),
    json.dumps({"schema_version": "1" * 5000, "workspace": WORKSPACE}).encode(),
    json.dumps({"schema_version": 1, "workspace": {**WORKSPACE, "pixels": 30_000}}).encode(),
    json.dumps({"schema_version": 1, "workspace": {**WORKSPACE, "extent": float("inf")}}).encode(),
    json.dumps({"schema_version": 1, "workspace": {**WORKSPACE, "extent": 10**400}}).encode(),
    json.dumps({"schema_version": 1, "workspace": [0.12]}).encode(),
    json.dumps({"schema_version": 1, "workspace": WORKSPACE, "dataset_version": ["x"]}).encode(),
]


@pytest.fixture
def shard(tmp_path):
    from_parquet(tmp_path / "export")
    return sorted((tmp_path / "export" / "data").iterdir())[0]


@pytest.mark.parametrize("metadata", METADATA)
def test_metadata_of_another_form_are_refused(tmp_path, shard, metadata):
    rewritten(shard, metadata=metadata)
    with pytest.raises(UserError, match="attempts-00000") as told:
        parquet.run(parquet.ParquetImport(tmp_path / "export", tmp_path / "ours"))
    assert len(str(told.value)) < 1000 and not (tmp_path / "ours").exists()


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("id", pa.array(["a"] * 4)),
        ("angle", pa.array([[1.0]] * 4)),
        ("height", pa.array(["x"] * 4)),
        ("outcome", pa.array([1] * 4)),
        ("episode", None),
        ("extra", None),
    ],
)
def test_columns_of_another_type_are_refused(tmp_path, shard, name, column):
    rewritten(shard, **{name: column})
    with pytest.raises(UserError, match=f"column '{name}'"):
        parquet.run(parquet.ParquetImport(tmp_path / "export", tmp_path / "ours"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", -2),
        ("id", None),
        ("id", 2**62),
        ("episode", -1),
        ("index", 2**60),
        ("angle", np.inf),
        ("angle", None),
        ("z", np.nan),
        ("row", 2**40),
        ("col", None),
        ("source", "nobody"),
        ("outcome", "splendid"),
        ("environment", ""),
        ("environment", None),
        ("policy", "x" * 100_000),
        ("extra", "[" * 5000),
        ("extra", "[1]"),
        ("extra", '{"a": ' + "9" * 400 + "}"),
        ("created_at", None),
    ],
)
def test_one_impossible_row_is_counted_and_the_others_are_imported(tmp_path, shard, name, value):
    column = pq.read_table(shard)[name]
    values = column.to_pylist()
    values[2] = value
    rewritten(shard, **{name: pa.array(values, column.type)})
    report = parquet.run(parquet.ParquetImport(tmp_path / "export", tmp_path / "ours"))
    if name == "created_at":  # none is known: that of the import
        assert report.imported == 7
    elif (name, value) == ("id", 2**62):
        assert report.skipped_count == 1
    else:
        assert (report.imported, report.skipped_count) == (6, 1)
    assert not check_dataset(tmp_path / "ours").damaged


def test_a_value_that_all_rows_share_is_not_unpacked_for_all_of_them(tmp_path, shard):
    import resource

    table = pq.read_table(shard)
    table = pa.concat_tables([table] * 25).combine_chunks()
    place = table.column_names.index("extra")
    long = pa.array(["x" * 60_000_000]).dictionary_encode()
    shared = pa.DictionaryArray.from_arrays(pa.array([0] * len(table), pa.int32()), long.dictionary)
    plain = table.schema.metadata
    table = table.set_column(place, "extra", shared).replace_schema_metadata(plain)
    pq.write_table(table, shard, store_schema=False, use_dictionary=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UserError):
        parquet.run(parquet.ParquetImport(tmp_path / "export", tmp_path / "ours"))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_500_000  # kilobytes


def test_random_damage_of_a_table_of_pseudo_labels_ends_in_a_sentence(tmp_path):
    arrays = {name: np.zeros((3, 64), np.float32 if name == "score" else np.int16) for name in ("score", "row", "col")}
    for grid in (64, 16):
        for name in ("score", "row", "col", "angle"):
            arrays[f"top{grid}_{name}"] = np.zeros((3, 2), np.float32 if name == "score" else np.int16)
    table = PseudoLabelTable(np.arange(3), total=np.zeros(3, np.float32), overruled=np.zeros(3, bool), **arrays)
    path = tmp_path / "pseudo_labels.parquet"
    table.save(path, Provenance("t", "d", 0.12, 12, 0.01, 0.014, True, "fp32"))
    whole, random, begun = path.read_bytes(), np.random.default_rng(0), time.monotonic()
    assert len(PseudoLabelTable.load(path)[0]) == 3
    while time.monotonic() - begun < SECONDS:
        path.write_bytes(damaged(whole, random))
        try:
            PseudoLabelTable.load(path)
        except UserError as error:
            assert len(str(error)) < 2000


def test_an_import_of_random_values_is_whole(tmp_path):
    from_parquet(tmp_path / "export")
    parquet.run(parquet.ParquetImport(tmp_path / "export", tmp_path / "ours"))
    assert Dataset(tmp_path / "ours").version == Dataset(tmp_path / "d").version

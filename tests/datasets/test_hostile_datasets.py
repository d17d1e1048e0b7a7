"""A dataset received from a stranger: whatever its files hold, it is refused in a sentence and saved by a repair."""

import json
import os
import sqlite3

import numpy as np
import pytest
from dataset_scenes import SMALL, scene

from grasping_student.datasets import segment_schema, segments
from grasping_student.datasets.integrity import check_dataset
from grasping_student.datasets.repair import repair_dataset
from grasping_student.datasets.schema import Attempt
from grasping_student.datasets.store import Dataset, DatasetWriter
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.pipeline.errors import UserError

SEGMENT = "segment-0000.sqlite"
ENDLESS = "WITH RECURSIVE c(id, episode) AS (SELECT 1, 1 UNION ALL SELECT id + 1, 1 FROM c) SELECT * FROM c"


@pytest.fixture
def dataset(tmp_path):
    """Six labelled attempts in one segment."""
    random = np.random.default_rng(0)
    with DatasetWriter(tmp_path / "d", SMALL) as writer:
        for episode in range(6):
            attempt = Attempt(
                episode=episode,
                index=0,
                environment="test",
                source="human",
                grasp=PlanarGrasp(3, 4, 0.5),
                z=0.01,
                outcome=Outcome.SUCCESS if episode % 2 else Outcome.MISSED,
                extra={"note": "x"},
            )
            writer.append(scene(random), attempt)
    return tmp_path / "d"


def execute(path, script):
    connection = sqlite3.connect(path / SEGMENT)
    connection.executescript(script)
    connection.close()


SCHEMAS = {
    "trigger": "CREATE TRIGGER eat AFTER INSERT ON attempt BEGIN DELETE FROM attempt; END",
    "view": "CREATE VIEW others AS SELECT * FROM attempt",
    "index": "CREATE INDEX another ON attempt (z)",
    "table": "CREATE TABLE more (x)",
    "lost index": "DROP INDEX attempt_source",
}


@pytest.mark.parametrize("script", SCHEMAS.values(), ids=SCHEMAS)
def test_only_our_own_tables_and_indices_are_read_or_written(dataset, script):
    version = Dataset(dataset).version
    execute(dataset, script)
    for use in (lambda: len(Dataset(dataset)), lambda: DatasetWriter(dataset)):
        with pytest.raises(UserError, match="--repair"):
            use()
    assert check_dataset(dataset).damaged
    _, repair = repair_dataset(dataset)
    assert (repair.kept, repair.lost) == (6, [])
    assert not check_dataset(dataset).damaged and Dataset(dataset).version == version


def test_an_endless_view_under_the_name_of_our_table_ends_no_reader(dataset):
    execute(dataset, f"ALTER TABLE attempt RENAME TO kept; CREATE VIEW attempt AS {ENDLESS}")
    with pytest.raises(UserError, match="not put there"):
        Dataset(dataset).attempts()
    assert check_dataset(dataset).damaged
    assert repair_dataset(dataset)[1].kept == 0
    assert (dataset / "damaged").is_dir() and len(Dataset(dataset)) == 0


def test_a_statement_without_end_is_interrupted(dataset):
    connection = segments.open_copy(dataset / SEGMENT)
    with pytest.raises(UserError, match="interrupted"), segment_schema.clear_errors(dataset / SEGMENT):
        connection.execute(f"SELECT count(*) FROM ({ENDLESS})").fetchone()


VALUES = [
    "z = 9e999",
    "z = 'high'",
    "angle = -9e999",
    "angle = 100",
    "angle = NULL",
    "grasp_row = 'abc'",
    "grasp_row = 1000000",
    "grasp_col = 1.5",
    "episode = -1",
    "episode = 9223372036854775807",
    "position = 'first'",
    "id = 9223372036854775807",
    "source = 'nobody'",
    "source = NULL",
    "environment = zeroblob(5)",
    "environment = ''",
    "policy = hex(zeroblob(100000))",
    "outcome = 'splendid'",
    "outcome = 3",
    "success = 1 - success",
    "success = 'yes'",
    "extra = '[1'",
    "extra = '[1]'",
    "extra = zeroblob(9)",
    "extra = '{\"a\": 1e999}'",
    'extra = \'{"a": ' + "9" * 400 + "}'",
    'extra = \'{"a": ' + "[" * 500 + "]" * 500 + "}'",
    "digest = 'text'",
    "digest = zeroblob(31)",
]


@pytest.mark.parametrize("value", VALUES)
def test_a_value_of_another_type_or_range_is_told_and_the_rest_is_saved(dataset, value):
    execute(dataset, f"UPDATE attempt SET {value} WHERE id = 3")
    with pytest.raises(UserError, match=r"attempt (3|9223372036854775807) holds an impossible"):
        Dataset(dataset).attempts()
    assert check_dataset(dataset).damaged
    assert repair_dataset(dataset)[1].kept == 5
    assert [attempt.id for attempt in Dataset(dataset).attempts()] == [0, 1, 2, 4, 5]


@pytest.mark.parametrize("value", ["'text'", "zeroblob(0)", "zeroblob(1000)", "9e999"])
@pytest.mark.parametrize("column", ["height", "rgb"])
def test_pictures_of_another_type_are_told(dataset, column, value):
    execute(dataset, f"UPDATE picture SET {column} = {value} WHERE id = 3")
    with pytest.raises(UserError, match="picture of attempt 3"):
        Dataset(dataset).heightmap(3)
    assert check_dataset(dataset).damaged
    assert repair_dataset(dataset)[1].kept == 5


@pytest.mark.parametrize(
    "value",
    ["'1e999'", "'-1'", "'9223372036854775807'", "'" + "9" * 400 + "'", "'x'", "zeroblob(3)", "'" + "[" * 20_000 + "'"],
)
@pytest.mark.parametrize("key", ["first_id", "workspace", "schema_version"])
def test_a_broken_description_of_a_segment_is_told(dataset, key, value):
    execute(dataset, f"UPDATE meta SET value = {value} WHERE key = '{key}'")
    with pytest.raises(UserError, match="segment-0000"):
        len(Dataset(dataset))
    assert check_dataset(dataset).damaged
    assert repair_dataset(dataset)[1].kept == 6


ENTRY = {"sha256": "0" * 64, "bytes": 1, "attempts": 1, "first_id": 0}


@pytest.mark.parametrize(
    "changed",
    [
        {"workspace": {"extent": 1e400, "pixels": 16, "margin": 0.0}},
        {"workspace": {"extent": 0.45, "pixels": 30_000, "margin": 0.0}},
        {"workspace": {"extent": 0.45, "pixels": True, "margin": 0.0}},
        {"workspace": {"extent": "0.45", "pixels": 16, "margin": 0.0}},
        {"workspace": [1, 2, 3]},
        {"schema_version": "9" * 10_000},
        {"sealed": {"../elsewhere.sqlite": ENTRY}},
        {"sealed": {"segment-" + "9" * 400 + ".sqlite": ENTRY}},
        {"sealed": {SEGMENT: {**ENTRY, "bytes": "many"}}},
        {"sealed": {SEGMENT: {**ENTRY, "attempts": -1}}},
        {"sealed": {SEGMENT: {**ENTRY, "sha256": ["0" * 64]}}},
        {"sealed": [SEGMENT]},
    ],
)
def test_a_manifest_with_impossible_values_is_refused(dataset, changed):
    values = json.loads((dataset / "dataset.json").read_text())
    (dataset / "dataset.json").write_text(json.dumps({**values, **changed}))
    with pytest.raises(UserError, match=r"dataset\.json") as told:
        Dataset(dataset)
    assert len(str(told.value)) < 1000


@pytest.mark.parametrize("name", ["dataset.json", "deleted.json", "writer.lock", SEGMENT, f"{SEGMENT}-wal"])
@pytest.mark.parametrize("put", [lambda path: os.mkfifo(path), lambda path: path.symlink_to("/dev/zero"), None])
def test_a_link_a_pipe_or_a_device_in_place_of_a_file_is_refused(dataset, tmp_path, name, put):
    secret = tmp_path / "secret"
    secret.write_text("mine")
    (dataset / name).unlink(missing_ok=True)
    (put or (lambda path: path.symlink_to(secret)))(dataset / name)
    for use in (lambda: Dataset(dataset), lambda: DatasetWriter(dataset), lambda: check_dataset(dataset)):
        with pytest.raises(UserError, match=name):
            use()
    with pytest.raises(UserError, match=name):
        repair_dataset(dataset)
    assert secret.read_text() == "mine"


def test_a_rollback_journal_is_not_played_back(dataset):
    (dataset / f"{SEGMENT}-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(1000))
    with pytest.raises(UserError, match="journal"):
        Dataset(dataset)


def test_any_changed_byte_of_a_dataset_ends_in_a_sentence(dataset):
    """A second of random damage; ``FUZZ_SECONDS`` asks for more."""
    import time

    random, begun = np.random.default_rng(0), time.monotonic()
    files = {path: path.read_bytes() for path in dataset.iterdir() if path.is_file()}
    while time.monotonic() - begun < float(os.environ.get("FUZZ_SECONDS", "2")):
        for path, data in files.items():
            path.write_bytes(data)
        path = list(files)[int(random.integers(len(files)))]
        damaged = bytearray(files[path])
        for _ in range(int(random.integers(1, 30))) if damaged else ():
            damaged[int(random.integers(len(damaged)))] = int(random.integers(256))
        path.write_bytes(damaged[: int(random.integers(len(damaged) + 1))] if random.random() < 0.3 else damaged)
        for use in (_read_everything, check_dataset):
            try:
                use(dataset)
            except UserError as error:
                assert len(str(error)) < 2000


def _read_everything(path):
    dataset = Dataset(path)
    for attempt in dataset.attempts():
        dataset.heightmap(attempt.id)
    dataset.close()


def test_every_object_of_a_new_segment_is_one_of_ours(dataset):
    connection = sqlite3.connect(dataset / SEGMENT)
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == segment_schema.TABLES.count(
        "CREATE"
    )

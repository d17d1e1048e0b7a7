"""What goes into the store comes out of it, whoever reads and however it is packed."""

import math
import multiprocessing
import pickle
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
from dataset_scenes import SMALL, fill, scene
from hypothesis import given, settings
from hypothesis import strategies as st

from grasping_student.datasets.pictures import HEIGHT_STEP, HIGHEST_HEIGHT, LOWEST_HEIGHT
from grasping_student.datasets.schema import SOURCES, Attempt
from grasping_student.datasets.store import Dataset, DatasetWriter
from grasping_student.geometry.grasp import Outcome, PlanarGrasp
from grasping_student.geometry.heightmap import Heightmap
from grasping_student.geometry.workspace import Workspace
from grasping_student.pipeline.errors import UserError

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)

VALUES = st.fixed_dictionaries(
    {
        "episode": st.integers(0, 2**40),
        "index": st.integers(0, 1000),
        "environment": st.text(min_size=1, max_size=12).filter(lambda text: "\x00" not in text),
        "source": st.sampled_from(SOURCES),
        "policy": st.none() | st.text(max_size=12).filter(lambda text: "\x00" not in text),
        "policy_version": st.none() | st.text("0123456789abcdef", max_size=64),
        "grasp": st.none() | st.builds(PlanarGrasp, st.integers(0, 11), st.integers(0, 11), st.floats(-7.0, 7.0)),
        "z": st.none() | st.floats(-0.1, 1.0),
        "extra": st.none() | st.dictionaries(st.text(max_size=5), JSON_VALUES, max_size=3),
    }
)


def _pictures(seed):
    random = np.random.default_rng(seed)
    height = random.uniform(LOWEST_HEIGHT, HIGHEST_HEIGHT, SMALL.shape).astype(np.float32)
    height[random.random(SMALL.shape) < 0.2] = np.nan
    return Heightmap(height, random.integers(0, 256, (*SMALL.shape, 3), dtype=np.uint8), SMALL)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(VALUES, st.none() | st.sampled_from(list(Outcome)), st.integers(0, 999)), max_size=6))
def test_every_value_and_picture_comes_back(rows):
    with tempfile.TemporaryDirectory() as folder:
        with DatasetWriter(Path(folder), SMALL, segment_bytes=2_000) as writer:
            for values, outcome, seed in rows:
                writer.append(_pictures(seed), Attempt(**values, outcome=outcome if values["grasp"] else None))
        dataset = Dataset(Path(folder))
        assert len(dataset) == len(rows)
        for attempt, (values, outcome, seed) in zip(dataset.attempts(), rows, strict=True):
            assert {name: getattr(attempt, name) for name in values} == values
            assert attempt.outcome == (outcome if values["grasp"] else None)
            if attempt.grasp is not None:
                assert attempt.grasp.angle == values["grasp"].angle
            given_scene, kept = _pictures(seed), dataset.heightmap(attempt.id)
            np.testing.assert_array_equal(kept.unmeasured, given_scene.unmeasured)
            assert np.nanmax(np.abs(kept.height.astype(float) - given_scene.height)) <= HEIGHT_STEP / 2 + 1e-6
            np.testing.assert_array_equal(kept.rgb, given_scene.rgb)
            assert kept.workspace == SMALL
        dataset.close()


def test_a_stored_height_stored_again_does_not_change(tmp_path):
    with DatasetWriter(tmp_path / "a", SMALL) as writer:
        writer.append(_pictures(1), Attempt(episode=0, index=0, environment="x"))
    kept = Dataset(tmp_path / "a").heightmap(0)
    with DatasetWriter(tmp_path / "b", SMALL) as writer:
        writer.append(kept, Attempt(episode=0, index=0, environment="x"))
    np.testing.assert_array_equal(Dataset(tmp_path / "b").heightmap(0).height, kept.height)
    assert Dataset(tmp_path / "a").version == Dataset(tmp_path / "b").version


def test_the_table_is_stored_as_exactly_zero(tmp_path):
    flat = Heightmap(np.zeros(SMALL.shape, np.float32), np.zeros((12, 12, 3), np.uint8), SMALL)
    with DatasetWriter(tmp_path / "a", SMALL) as writer:
        writer.append(flat, Attempt(episode=0, index=0, environment="x"))
    assert (Dataset(tmp_path / "a").heightmap(0).height == 0.0).all()


@pytest.mark.parametrize("value", [30.0, -2.0, math.inf, -math.inf, HIGHEST_HEIGHT + HEIGHT_STEP])
def test_heights_that_cannot_be_metres_are_refused(tmp_path, value):
    height = np.zeros(SMALL.shape, np.float32)
    height[3, 4] = value
    with DatasetWriter(tmp_path / "a", SMALL) as writer:
        with pytest.raises(UserError, match="millimetres"):
            writer.append(Heightmap(height, scene(0).rgb, SMALL), Attempt(episode=0, index=0, environment="x"))
        assert writer.append(scene(0), Attempt(episode=0, index=0, environment="x")).id == 0


def test_the_version_ignores_packing_and_time_but_no_value(tmp_path):
    def version(name, segment_bytes=1 << 20, seed=0, **changed):
        values = {
            "episode": 0,
            "index": 0,
            "environment": "x",
            "source": "human",
            "grasp": PlanarGrasp(1, 2, 0.3),
            "outcome": Outcome.SUCCESS,
        }
        with DatasetWriter(tmp_path / name, SMALL, segment_bytes=segment_bytes) as writer:
            for number in range(4):
                writer.append(scene(number), Attempt(**{**values, "index": number}))
            writer.append(scene(9 + seed), Attempt(**{**values, **changed}))
        return Dataset(tmp_path / name).version

    first = version("a")
    assert version("b", segment_bytes=1) == first
    assert version("c", created_at="2001-01-01T00:00:00+00:00") == first
    changes = [
        {"seed": 1},
        {"episode": 1},
        {"index": 9},
        {"environment": "y"},
        {"source": "script"},
        {"policy": "p"},
        {"policy_version": "1"},
        {"grasp": PlanarGrasp(1, 3, 0.3)},
        {"grasp": PlanarGrasp(1, 2, 0.4)},
        {"z": 0.1},
        {"outcome": Outcome.MISSED},
        {"extra": {"note": "n"}},
    ]
    assert len({version(f"d{number}", **change) for number, change in enumerate(changes)} | {first}) == 13


def test_filters_agree_with_a_plain_loop(filled):
    everything = filled.attempts()
    assert [attempt.id for attempt in everything] == list(range(30))
    for source in (None, "script", "human"):
        for success in (None, True, False):
            for labelled in (None, True, False):
                for episodes in (None, [1, 4], []):
                    expected = [
                        attempt
                        for attempt in everything
                        if (source is None or attempt.source == source)
                        and (success is None or attempt.success is success)
                        and (labelled is None or attempt.labelled is labelled)
                        and (episodes is None or attempt.episode in episodes)
                    ]
                    assert filled.attempts(source, success, labelled, episodes) == expected
                    assert filled.ids(source, success, labelled, episodes).tolist() == [each.id for each in expected]
    assert filled.episodes().tolist() == list(range(6))
    with pytest.raises(UserError, match="did you mean 'human'"):
        filled.attempts(source="humna")


def test_a_fault_is_no_attempt(tmp_path):
    with DatasetWriter(tmp_path / "a", SMALL) as writer:
        writer.append(
            scene(0),
            Attempt(
                episode=0, index=0, environment="x", source="human", grasp=PlanarGrasp(1, 1, 0), outcome=Outcome.FAULT
            ),
        )
    dataset = Dataset(tmp_path / "a")
    assert dataset.attempt(0).success is None
    assert not dataset.attempts(labelled=True)
    assert not dataset.attempts(success=False)


def test_deleting_hides_and_undo_brings_back(filled):
    before = filled.version
    with DatasetWriter(filled.path) as writer:
        writer.delete(3)
        writer.delete(29)
        assert len(filled) == 28
        assert filled.version != before
        assert 3 not in filled.ids()
        assert filled.attempt(3).id == 3
        with pytest.raises(UserError, match="no attempt 30"):
            writer.delete(30)
        writer.undelete(3)
        writer.undelete(29)
        with pytest.raises(UserError, match="not deleted"):
            writer.undelete(3)
    assert filled.version == before


def test_a_writer_goes_on_where_the_last_one_stopped(filled):
    with DatasetWriter(filled.path, segment_bytes=10_000) as writer:
        assert writer.workspace == SMALL
        assert writer.next_episode == 6
        assert fill(writer, 5, first=30) == list(range(30, 35))
    assert len(filled) == 35
    assert filled.heightmap(34).rgb.shape == (12, 12, 3)


def test_readers_in_threads_and_in_forked_and_spawned_processes(filled):
    expected = [filled.heightmap(number).rgb.sum() for number in range(30)]
    copy = pickle.loads(pickle.dumps(filled))
    assert [copy.heightmap(number).rgb.sum() for number in range(30)] == expected
    found = {}
    threads = [
        threading.Thread(target=lambda key=key: found.update({key: [_sum(filled, number) for number in range(30)]}))
        for key in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(found.values()) == [expected] * 3
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.starmap(_sum, [(filled, number) for number in range(30)]) == expected


def _sum(dataset, attempt_id):
    return dataset.heightmap(attempt_id).rgb.sum()


def _write_workspace_differs(path):
    DatasetWriter(path, Workspace(0.2, 12, 0.01))


def _append_workspace_differs(path):
    with DatasetWriter(path) as writer:
        writer.append(scene(0, Workspace(0.2, 12, 0.01)), Attempt(episode=0, index=0, environment="x"))


def _append(**changed):
    def act(path):
        with DatasetWriter(path) as writer:
            writer.append(scene(0), Attempt(**{"episode": 0, "index": 0, "environment": "x", **changed}))

    return act


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (_write_workspace_differs, "keeps Workspace"),
        (_append_workspace_differs, "keeps Workspace"),
        (_append(episode=-1), "whole number from 0"),
        (_append(environment=""), "environment is empty"),
        (_append(source="robot"), "valid are human, policy, script"),
        (_append(outcome=Outcome.MISSED), "without a grasp"),
        (_append(grasp=PlanarGrasp(1, 1, 0.0)), "without a source"),
        (_append(source="human", grasp=PlanarGrasp(12, 1, 0.0)), "outside the 12 x 12"),
        (_append(z=math.nan), "finite"),
        (_append(extra={"a": np.zeros(2)}), "plain JSON"),
        (_append(extra={1: "a"}), "text keys"),
        (_append(extra={"a": "x" * 70000}), "bytes"),
        (lambda path: Dataset(path / "nowhere"), "does not exist"),
        (lambda path: Dataset(path.parent), "holds no dataset"),
        (lambda path: Dataset(path).heightmap(99), "no attempt 99"),
        (lambda path: Dataset(path).heightmap(-1), "no attempt -1"),
        (lambda path: DatasetWriter(path / "new"), "needs a workspace"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_changes(filled, act, message):
    before = filled.version
    with pytest.raises(UserError, match=message):
        act(filled.path)
    assert filled.version == before


def test_what_training_requires(tmp_path):
    with DatasetWriter(tmp_path / "a", SMALL) as writer:
        dataset = Dataset(tmp_path / "a")
        with pytest.raises(UserError, match="is empty"):
            dataset.require()
        writer.append(scene(0), Attempt(episode=0, index=0, environment="x"))
        dataset.require()
        with pytest.raises(UserError, match="no labelled"):
            dataset.require(labelled=True)
        grasp = {"source": "human", "grasp": PlanarGrasp(1, 1, 0)}
        writer.append(scene(0), Attempt(episode=0, index=1, environment="x", **grasp, outcome=Outcome.MISSED))
        dataset.require(labelled=True)
        with pytest.raises(UserError, match="no successful"):
            dataset.require(success=True)
        writer.append(scene(0), Attempt(episode=0, index=2, environment="x", **grasp, outcome=Outcome.SUCCESS))
        dataset.require(success=True)

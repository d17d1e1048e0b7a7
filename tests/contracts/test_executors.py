"""The contract of every executor: the same results in the order of the items, few begun ahead, errors as they are."""

import os
import time
from functools import partial
from itertools import count, islice
from pathlib import Path

import numpy as np
import pytest
from tests.ray_nodes import two_nodes

from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.executor import ProcessExecutor, SerialExecutor
from grasping_student.pipeline.ray_executor import RayExecutor


@pytest.fixture(scope="module")
def cluster():
    with two_nodes() as nodes:
        yield nodes


@pytest.fixture(params=["here", "one process", "three processes", "two nodes"])
def executor(request):
    if request.param == "two nodes":
        return RayExecutor(request.getfixturevalue("cluster").address)
    return {"here": SerialExecutor(), "one process": ProcessExecutor(1), "three processes": ProcessExecutor(3)}[
        request.param
    ]


def square(item):
    time.sleep(0.05 * (item % 3))
    return item * item


def picture(seed):
    return np.random.default_rng(seed).normal(size=(200, 200)).astype(np.float32)


def refuse(item):
    raise UserError(f"{item} is no item")


def fail(item):
    raise ValueError(f"item {item}")


def mark(folder, item):
    (folder / f"{item}").touch()
    return item


def place(_):
    import cv2

    return Path.cwd(), os.environ["OMP_NUM_THREADS"], cv2.getNumThreads()


def test_the_results_are_those_of_the_items_in_their_order(executor):
    executor.check()
    assert list(executor.map(square, [3, 1, 2])) == [9, 1, 4]
    assert list(executor.map(square, iter(range(9)), "squares")) == [item * item for item in range(9)]
    assert list(executor.map(square, [])) == []


def test_pictures_come_as_they_are_and_may_be_written(executor):
    for seed, each in enumerate(executor.map(picture, range(3))):
        np.testing.assert_array_equal(each, picture(seed))
        each[0] = 0.0


def test_an_error_of_an_item_is_ours_to_see(executor):
    with pytest.raises(ValueError, match="item 0"):
        list(executor.map(fail, range(5)))
    with pytest.raises(UserError, match=r"^0 is no item$"):
        list(executor.map(refuse, range(5)))


def test_of_an_endless_supply_only_a_few_are_begun(executor, tmp_path):
    results = executor.map(partial(mark, tmp_path), count())
    assert list(islice(results, 5)) == [0, 1, 2, 3, 4]
    results.close()
    assert 5 <= len(list(tmp_path.iterdir())) <= 5 + 3 * 3


def test_items_are_computed_in_our_folder_with_one_thread(executor, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if isinstance(executor, SerialExecutor):
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        pytest.skip("this process keeps its threads")
    assert set(executor.map(place, range(4))) == {(tmp_path, "1", 1)}

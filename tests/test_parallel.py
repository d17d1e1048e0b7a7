"""One map: ordered, equal for any number of workers."""

import os
from itertools import count, islice

import pytest

from grasping_student.parallel import parallel_map, parallel_stream


def square(item: int) -> int:
    return item * item


def threads(_: int) -> str | None:
    return os.environ.get("OMP_NUM_THREADS")


def fail(item: int) -> int:
    raise ValueError(f"item {item}")


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_items(workers):
    assert list(parallel_map(square, range(7), workers)) == [0, 1, 4, 9, 16, 25, 36]


def test_workers_use_one_thread_each_and_leave_our_environment_alone():
    before = os.environ.get("OMP_NUM_THREADS")
    assert set(parallel_map(threads, range(4), 2)) == {"1"}
    assert os.environ.get("OMP_NUM_THREADS") == before


def test_an_error_in_a_worker_is_ours_to_see():
    with pytest.raises(ValueError, match="item"):
        list(parallel_map(fail, range(3), 2))
    with pytest.raises(ValueError, match="at least 1"):
        list(parallel_map(square, range(3), 0))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stream_without_end_gives_as_many_results_as_are_taken(workers):
    stream = parallel_stream(square, count(), workers)
    assert list(islice(stream, 5)) == [0, 1, 4, 9, 16]
    stream.close()
    assert list(parallel_stream(square, range(3), workers)) == [0, 1, 4]
    with pytest.raises(ValueError, match="at least 1"):
        list(parallel_stream(square, range(3), 0))

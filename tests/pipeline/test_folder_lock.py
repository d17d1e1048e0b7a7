"""One holder at a time, or many that share; nothing stays behind."""

import pytest

from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.folder_lock import FolderLock, without_secrets


def test_a_lock_has_one_holder_or_several_that_share(tmp_path):
    file = tmp_path / "lock"
    with FolderLock(file, "it"), pytest.raises(UserError, match=r"^it is being written by process .*; wait until"):
        FolderLock(file, "it")
    first, second = (FolderLock(file, "it", shared=True) for _ in range(2))
    with first, second, pytest.raises(UserError, match=r"^it is open in process"):
        FolderLock(file, "it")
    FolderLock(file, "it").release()


@pytest.mark.parametrize("shared", [False, True])
def test_a_file_that_vanishes_goes_with_its_last_holder(tmp_path, shared):
    file = tmp_path / "lock"
    first = FolderLock(file, "it", vanishes=True, shared=shared)
    if shared:
        second = FolderLock(file, "it", vanishes=True, shared=True)
        first.release()
        assert file.exists()
        first = second
    first.release()
    first.release()
    assert not file.exists()


def test_who_waited_for_a_file_that_vanished_makes_a_new_one(tmp_path):
    file = tmp_path / "lock"
    FolderLock(file, "it", vanishes=True).release()
    with FolderLock(file, "it", vanishes=True):
        assert file.exists()


def test_a_token_is_not_written_into_the_folder():
    given = ["label", "--token", "word", "--token=word", "--port", "1"]
    assert without_secrets(given) == ["label", "--token", "...", "--token=...", "--port", "1"]

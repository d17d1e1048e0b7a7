import subprocess

import pytest

from grasping_student.pipeline.manifest import code_commit


def git(folder, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def package(tmp_path):
    """A package and a results folder beside it, in a git repository of their own."""
    for name in ("src/package/model.py", "results/costs.json"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("1")
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    return tmp_path / "src/package"


def test_results_written_beside_the_code_leave_its_commit_clean_and_changed_code_does_not(package):
    commit = code_commit(package)
    assert commit is not None and len(commit) == 40

    (package.parents[1] / "results/costs.json").write_text("2")
    (package.parents[1] / "results/new.json").write_text("3")
    assert code_commit(package) == commit

    (package / "new.py").write_text("")
    assert code_commit(package) == f"{commit}-dirty"
    (package / "new.py").unlink()
    (package / "model.py").write_text("2")
    assert code_commit(package) == f"{commit}-dirty"


def test_without_a_repository_there_is_no_commit(tmp_path):
    assert code_commit(tmp_path) is None

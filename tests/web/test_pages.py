"""The pages' logic, in NiceGUI's own simulation of a user: no browser, no drawing."""

import pytest
from tests.web.labelling_worlds import ConstantModel, box_grasp, recorded_world

pytest.importorskip("nicegui", reason="needs the extra 'web': pip install -e '.[web]'")


from tests.web.page_user import act, labelling, run, settle, wait_for

from grasping_student.datasets.store import Dataset
from grasping_student.geometry.grasp import AngleGrid, Outcome
from grasping_student.pipeline.errors import UserError
from grasping_student.web.grasp_canvas import GraspCanvas
from grasping_student.web.labelling_page import RELOAD_SECONDS
from grasping_student.web.suggestions import Suggester


def test_execute_saves_then_says_so(tmp_path):
    async def body():
        async with labelling(tmp_path / "d") as (user, service):
            grasp = box_grasp(service.scene.heightmap)
            act(user, service, "execute", grasp)
            await wait_for(lambda: service.last is not None)
            stored = Dataset(tmp_path / "d").attempt(0)
            assert stored.grasp == grasp and stored.source == "human"
            await user.should_see("Saved attempt 0", retries=100)
            await user.should_see("in the dataset", retries=100)

    run(body())


def test_the_page_says_saved_only_after_the_append_returned(tmp_path):
    async def body():
        async with labelling(tmp_path / "d", recorded_world()) as (user, service):
            append, seen = service.session.log.append, []

            def watched(*arguments, **options):
                seen.append(service.message)
                attempt = append(*arguments, **options)
                seen.append((service.message, len(Dataset(tmp_path / "d"))))
                return attempt

            service.session.log.append = watched
            act(user, service, "good", box_grasp(service.scene.heightmap))
            await wait_for(lambda: service.message is not None)
            assert seen == [None, (None, 1)]

    run(body())


def test_undo_skip_nothing_delete_and_restore(tmp_path):
    async def body():
        async with labelling(tmp_path / "d", recorded_world()) as (user, service):
            act(user, service, "good", box_grasp(service.scene.heightmap))
            await wait_for(lambda: len(service.recent) == 1)
            act(user, service, "undo")
            await wait_for(lambda: service.recent[0][1])
            await user.should_see("Deleted attempt 0", retries=100)
            assert len(Dataset(tmp_path / "d")) == 0
            number = service.scene.number
            act(user, service, "skip")
            await wait_for(lambda: service.scene.number == number + 1)
            act(user, service, "nothing")
            await wait_for(lambda: service.scene.number == number + 2)
            act(user, service, "bad", box_grasp(service.scene.heightmap))
            await wait_for(lambda: service.progress.session_labels == 1)
            last = service.recent[0][0].id
            user.find(marker=f"thumbnail-{last}").trigger("click")
            user.find("Delete").click()
            await wait_for(lambda: service.progress.session_labels == 0)
            user.find("Restore").click()
            await wait_for(lambda: service.progress.session_labels == 1)
            kept = Dataset(tmp_path / "d").attempts()
            assert [a.outcome for a in kept] == [None, Outcome.MISSED]

    run(body())


def test_a_second_tab_may_look_and_is_told_who_labels_until_it_takes_over(tmp_path):
    async def body():
        async with labelling(tmp_path / "d") as (user, service):
            first = user.client
            await user.open("/")
            await settle(RELOAD_SECONDS + 0.3)
            await user.should_see("Read only: another tab labels this dataset", retries=100)
            act(user, service, "execute", box_grasp(service.scene.heightmap))
            await settle()
            assert len(Dataset(tmp_path / "d")) == 0
            user.find("Label in this tab").click()
            await settle()
            assert service.hold.held_by(user.client.id) and not service.hold.held_by(first.id)
            act(user, service, "execute", box_grasp(service.scene.heightmap))
            await wait_for(lambda: len(Dataset(tmp_path / "d")) == 1)

    run(body())


NONSENSE = [
    None,
    "execute",
    {},
    {"action": "execute"},
    {"action": "rm -rf", "scene": 0},
    {"action": "execute", "scene": 0, "grasp": None},
    {"action": "execute", "scene": 0, "grasp": {"row": 999, "col": 0, "angle": 0}},
    {"action": "execute", "scene": 0, "grasp": {"row": 1.5, "col": 0, "angle": 0}},
    {"action": "execute", "scene": 0, "grasp": {"row": 20, "col": 20, "angle": float("nan")}},
    {"action": "execute", "scene": 0, "grasp": {"row": 20, "col": 20, "angle": "x"}},
    {"action": "execute", "scene": 5, "grasp": {"row": 20, "col": 20, "angle": 0}},
]


def test_what_no_page_of_ours_sends_does_nothing(tmp_path):
    async def body():
        async with labelling(tmp_path / "d") as (user, service):
            for sent in NONSENSE:
                user.find(GraspCanvas).trigger("act", sent)
                await settle(0.05)
            await settle()
            assert len(Dataset(tmp_path / "d")) == 0 and service.busy is None and service.scene.number == 0
            act(user, service, "execute", box_grasp(service.scene.heightmap))
            await wait_for(lambda: len(Dataset(tmp_path / "d")) == 1)

    run(body())


def test_a_full_disk_is_told_and_retried(tmp_path):
    async def body():
        async with labelling(tmp_path / "d", recorded_world()) as (user, service):
            append = service.session.log.append

            def full(*arguments, **options):
                raise UserError("the disk is full")

            service.session.log.append = full
            act(user, service, "good", box_grasp(service.scene.heightmap))
            await wait_for(lambda: service.unsaved)
            await user.should_see("the disk is full", retries=100)
            await user.should_see("Retry saving", retries=100)
            service.session.log.append = append
            act(user, service, "retry")
            await wait_for(lambda: not service.unsaved)
            await user.should_see("Saved attempt 0", retries=100)

    run(body())


def test_a_world_that_breaks_is_told_and_the_page_lives(tmp_path):
    async def body():
        async with labelling(tmp_path / "d") as (user, service):
            service.session.environment.execute = lambda grasp: 1 / 0
            act(user, service, "execute", box_grasp(service.scene.heightmap))
            await wait_for(lambda: service.message is not None and service.busy is None)
            await user.should_see("division by zero", retries=100)
            act(user, service, "skip")
            await user.should_see("Skipped", retries=100)

    run(body())


def test_suggestions_are_shown_and_kept_with_the_attempt(tmp_path):
    async def body():
        suggester = Suggester(ConstantModel(), count=3, grid=AngleGrid(4))
        async with labelling(tmp_path / "d", suggester=suggester) as (user, service):
            await wait_for(lambda: service.suggestions is not None)
            await user.should_see("uncertainty", retries=100)
            chosen = service.suggestions.suggestions[2].grasp
            act(user, service, "execute", chosen, suggestion=2)
            await wait_for(lambda: len(Dataset(tmp_path / "d")) == 1)
            assert Dataset(tmp_path / "d").attempt(0).extra["suggestion_accepted"] == 2

    run(body())

"""The browse page with a simulated user."""

import asyncio
from dataclasses import replace

import pytest
from tests.web.labelling_worlds import WORKSPACE, BoxWorld, ConstantModel, box_grasp

pytest.importorskip("nicegui", reason="needs the extra 'web': pip install -e '.[web]'")

from nicegui.testing.user_simulation import user_simulation

from grasping_student.datasets.schema import Attempt
from grasping_student.datasets.store import Dataset, DatasetWriter
from grasping_student.geometry.grasp import Outcome
from grasping_student.geometry.gripper import GripperGeometry
from grasping_student.web.browse_listing import ScoreCache
from grasping_student.web.browse_page import build_browse_page


def test_browse_filters_pages_and_scores(tmp_path):
    world = BoxWorld()
    with DatasetWriter(tmp_path / "d", WORKSPACE) as writer:
        for i in range(30):
            world.reset(i // 5)
            scene = world.observe().heightmap
            writer.append(
                scene,
                Attempt(
                    episode=i // 5,
                    index=i % 5,
                    environment="boxes",
                    source=("human", "policy")[i % 2],
                    grasp=box_grasp(scene),
                    outcome=Outcome.SUCCESS if i % 3 else Outcome.COLLISION,
                ),
            )

    async def body():
        dataset = Dataset(tmp_path / "d")
        async with user_simulation() as user:
            build_browse_page(dataset, GripperGeometry(), ScoreCache(ConstantModel(), dataset), 12)
            await user.open("/")
            await user.should_see("30 attempts", retries=100)
            await user.should_see("1 of 3", retries=100)
            await user.should_see("beats", retries=100)
            picture = await user.http_client.get("/attempts/3/crop.png?side=64")
            assert picture.headers["content-type"] == "image/png" and picture.content[:4] == b"\x89PNG"
            assert (await user.http_client.get("/attempts/300/crop.png")).status_code == 404
            assert (await user.http_client.get("/attempts/3/secret.png")).status_code == 422
            user.find(marker="next").click()
            await user.should_see("2 of 3", retries=100)
            with user:
                next(iter(user.find(marker="source").elements)).set_value("policy")
            await user.should_see("15 attempts", retries=100)
            with user:
                next(iter(user.find(marker="outcome").elements)).set_value("failure")
            await user.should_see("5 attempts", retries=100)
            await user.should_see("1 of 1", retries=100)

    asyncio.run(body())


def test_an_attempt_is_deleted_and_brought_back(tmp_path):
    world, path = BoxWorld(), tmp_path / "d"
    with DatasetWriter(path, WORKSPACE) as writer:
        for episode in range(3):
            world.reset(episode)
            scene = world.observe().heightmap
            attempt = Attempt(episode=episode, index=0, environment="boxes", grasp=box_grasp(scene), source="human")
            writer.append(scene, replace(attempt, outcome=Outcome.SUCCESS))

    async def body():
        async with user_simulation() as user:
            build_browse_page(Dataset(path), GripperGeometry(), None, 2)
            await user.open("/")
            await user.should_see("3 attempts", retries=100)
            user.find(marker="attempt-2").trigger("click")
            await user.should_see("episode 2, attempt 0 of it", retries=100)
            for test, episode in (("next-attempt", 1), ("next-attempt", 0), ("previous-attempt", 1)):
                user.find(marker=test).click()
                await user.should_see(f"episode {episode}, attempt 0 of it", retries=100)
            user.find(marker="delete").click()
            await user.should_see("2 attempts", retries=100)
            assert [a.id for a in Dataset(path).attempts()] == [0, 2]
            user.find(marker="undo").click()
            await user.should_see("3 attempts", retries=100)
            assert len(Dataset(path)) == 3
            with DatasetWriter(path):  # somebody labels there
                user.find(marker="delete").click()
                await user.should_see("being written by", retries=100)
            assert len(Dataset(path)) == 3

    asyncio.run(body())

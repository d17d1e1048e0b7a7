"""The picking loop: named ends, what counts as an attempt, and going on after an interruption."""

import numpy as np
import pytest
from tests.fakes.boxes import BoxPolicy, BoxWorld

from grasping_student.episodes.attempt import End, EpisodeEnd, Intent, Try
from grasping_student.episodes.loop import pick_episode, policy_seed, scene_seed
from grasping_student.evaluation.configuration import StopRule
from grasping_student.geometry.grasp import Outcome


def episode(world, kind, seed=0, number=0, **options):
    events = []
    reason = pick_episode(
        world, BoxPolicy(kind), model=kind, episode=number, seed=seed, record=events.append, **options
    )
    return reason, events


def test_an_episode_ends_when_the_workspace_is_empty_and_a_box_is_a_success():
    reason, events = episode(BoxWorld(boxes=6), "random", rule=StopRule(failures_in_a_row=1000))
    assert reason is EpisodeEnd.EMPTY
    assert sum(event.success for event in events[:-1]) == 6
    assert events[-1] == End("random", 0, "empty")
    assert [event.index for event in events[:-1]] == list(range(len(events) - 1))


def test_an_empty_workspace_ends_before_the_first_attempt():
    assert episode(BoxWorld(boxes=0), "random") == (EpisodeEnd.EMPTY, [End("random", 0, "empty")])


@pytest.mark.parametrize("limit", [1, 5])
def test_failures_in_a_row_end_the_episode(limit):
    reason, events = episode(BoxWorld(), "blind", rule=StopRule(failures_in_a_row=limit))
    assert reason is EpisodeEnd.FAILURES
    assert [event.outcome for event in events[:-1]] == ["missed"] * limit


def test_a_success_in_between_starts_the_count_anew_and_never_spans_two_episodes():
    for number in range(30):
        reason, events = episode(BoxWorld(), "random", number=number)
        flags = [event.success for event in events[:-1]]
        runs = [all(not flag for flag in flags[i : i + 5]) for i in range(len(flags) - 4)]
        assert sum(runs) == (reason is EpisodeEnd.FAILURES)
        assert not any(runs[:-1])


def test_a_policy_that_finds_nothing_ends_the_episode_with_that_reason():
    assert episode(BoxWorld(), "lazy")[0] is EpisodeEnd.NOTHING_TO_GRASP


def test_attempts_can_be_limited():
    reason, events = episode(BoxWorld(boxes=16), "random", rule=StopRule(failures_in_a_row=99, attempts=7))
    assert reason is EpisodeEnd.ATTEMPT_LIMIT
    assert len(events) == 8


def test_a_fault_is_kept_but_is_no_attempt():
    world = BoxWorld(faults=(2, 3, 5))
    reason, events = episode(world, "blind")
    assert [event.outcome for event in events[:-1]].count("fault") == 3
    assert sum(event.is_attempt for event in events[:-1]) == 5
    assert reason is EpisodeEnd.FAILURES


def test_faults_in_a_row_end_the_episode_under_their_own_name():
    reason, events = episode(BoxWorld(faults=(2, 3, 4)), "blind")
    assert reason is EpisodeEnd.FAULT
    assert [event.outcome for event in events[:-1]] == ["missed", "fault", "fault", "fault"]


def test_all_models_meet_the_same_scene_and_scenes_differ():
    first, second = BoxWorld(), BoxWorld()
    episode(first, "random", seed=3, number=4)
    episode(second, "blind", seed=3, number=4)
    assert first.resets == second.resets == [scene_seed(3, 4)]
    assert len({scene_seed(seed, number) for seed in range(20) for number in range(20)}) == 400
    assert policy_seed(0, 1, 0) != policy_seed(0, 1, 1)


def test_the_same_episode_twice_is_the_same():
    assert episode(BoxWorld(), "random", seed=9) == episode(BoxWorld(), "random", seed=9)


def test_an_episode_goes_on_after_any_attempt_in_a_world_that_is_still_there():
    whole_reason, whole = episode(BoxWorld(), "first", seed=2)
    for cut in range(1, len(whole) - 1):
        world = BoxWorld()
        tries = []

        def stop(event, tries=tries, cut=cut):
            tries.append(event)
            if len(tries) == cut:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            pick_episode(world, BoxPolicy("first"), model="first", episode=0, seed=2, record=stop)
        reason, rest = episode(world, "first", seed=2, earlier=tries)
        assert len(world.resets) == 1
        assert (reason, tries + rest) == (whole_reason, whole)


def test_with_intents_every_grasp_is_on_record_before_the_world_moves():
    log = []

    class Watched(BoxWorld):
        def execute(self, grasp):
            assert isinstance(log[-1], Intent)
            assert (log[-1].row, log[-1].col) == (grasp.row, grasp.col)
            return super().execute(grasp)

    pick_episode(Watched(), BoxPolicy("random"), model="m", episode=0, seed=0, record=log.append, write_intents=True)
    tries = [event for event in log if isinstance(event, Try)]
    assert len(log) == 2 * len(tries) + 1


def test_watch_sees_the_scene_before_the_grasp():
    seen = []
    world = BoxWorld()
    episode(world, "first", watch=lambda observation, grasp, outcome: seen.append((observation, grasp, outcome)))
    for observation, grasp, outcome in seen:
        assert isinstance(outcome, Outcome)
        assert observation.heightmap.height[grasp.row, grasp.col] > 0


def test_a_score_that_is_not_finite_is_recorded_as_none():
    _, events = episode(BoxWorld(), "first")
    assert all(event.score is None for event in events[:-1])
    assert np.isfinite(episode(BoxWorld(), "random")[1][0].score)


def test_a_rule_of_no_failures_is_refused():
    for wrong in ({"failures_in_a_row": 0}, {"attempts": 0}, {"faults_in_a_row": -1}):
        with pytest.raises(ValueError, match="at least 1"):
            StopRule(**wrong)

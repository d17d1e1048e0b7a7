"""The episode loop: named ends, what counts as an attempt, who is told what, and going on after an interruption."""

import json

import numpy as np
import pytest
from tests.fakes.boxes import BoxPolicy, BoxWorld

from grasping_student.datasets.schema import Attempt
from grasping_student.episodes.configuration import StopRule
from grasping_student.episodes.event_log import (
    EndReason,
    EpisodeEnd,
    EventLog,
    attempts_in,
    is_intent,
    read_events,
    settle_intents,
)
from grasping_student.episodes.loop import Episode, EventRecorder, policy_seed, run_episode, scene_seed
from grasping_student.geometry.grasp import Outcome
from grasping_student.pipeline.errors import UserError


def episode(environment, kind, seed=0, number=0, stop=None, earlier=()):
    """The reason of the end, and all events."""
    events = []
    which = Episode.of_run(kind, number, seed, stop, earlier)
    return run_episode(environment, BoxPolicy(kind), which, [EventRecorder(events.append)]), events


def test_an_episode_ends_when_the_workspace_is_empty_and_a_box_is_a_success():
    reason, events = episode(BoxWorld(boxes=6), "random", stop=StopRule(failures_in_a_row=1000))
    assert reason is EndReason.EMPTY
    assert sum(event.success for event in events[:-1]) == 6
    assert events[-1] == EpisodeEnd("random", 0, "empty")
    assert [event.index for event in events[:-1]] == list(range(len(events) - 1))


def test_an_empty_workspace_ends_before_the_first_attempt():
    assert episode(BoxWorld(boxes=0), "random") == (EndReason.EMPTY, [EpisodeEnd("random", 0, "empty")])


@pytest.mark.parametrize("limit", [1, 5])
def test_failures_in_a_row_end_the_episode(limit):
    reason, events = episode(BoxWorld(), "blind", stop=StopRule(failures_in_a_row=limit))
    assert reason is EndReason.FAILURES
    assert [event.outcome for event in events[:-1]] == ["missed"] * limit


def test_a_success_in_between_starts_the_count_anew_and_never_spans_two_episodes():
    for number in range(30):
        reason, events = episode(BoxWorld(), "random", number=number)
        flags = [event.success for event in events[:-1]]
        runs = [all(not flag for flag in flags[i : i + 5]) for i in range(len(flags) - 4)]
        assert sum(runs) == (reason is EndReason.FAILURES)
        assert not any(runs[:-1])


def test_a_policy_that_finds_nothing_ends_the_episode_with_that_reason():
    assert episode(BoxWorld(), "lazy")[0] is EndReason.NOTHING_TO_GRASP


def test_attempts_can_be_limited():
    reason, events = episode(BoxWorld(boxes=16), "random", stop=StopRule(failures_in_a_row=99, attempts=7))
    assert reason is EndReason.ATTEMPT_LIMIT
    assert len(events) == 8


def test_a_fault_is_kept_but_does_not_count():
    reason, events = episode(BoxWorld(faults=(2, 3, 5)), "blind")
    assert [event.outcome for event in events[:-1]].count("fault") == 3
    assert sum(event.counted for event in events[:-1]) == 5
    assert reason is EndReason.FAILURES


def test_faults_in_a_row_end_the_episode_under_their_own_name():
    reason, events = episode(BoxWorld(faults=(2, 3, 4)), "blind")
    assert reason is EndReason.FAULT
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


def test_an_episode_goes_on_after_any_attempt_in_an_environment_that_is_still_there():
    whole_reason, whole = episode(BoxWorld(), "first", seed=2)
    for cut in range(1, len(whole) - 1):
        environment, events = BoxWorld(), []

        def stop(event, events=events, cut=cut):
            events.append(event)
            if len(events) == cut:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run_episode(environment, BoxPolicy("first"), Episode.of_run("first", 0, 2), [EventRecorder(stop)])
        reason, rest = episode(environment, "first", seed=2, earlier=events)
        assert len(environment.resets) == 1
        assert (reason, events + rest) == (whole_reason, whole)


def test_with_intents_every_grasp_is_on_record_before_anything_moves():
    log = []

    class Watched(BoxWorld):
        def execute(self, grasp):
            assert is_intent(log[-1])
            assert log[-1].grasp == grasp
            return super().execute(grasp)

    recorder = EventRecorder(log.append, intents=True)
    run_episode(Watched(), BoxPolicy("random"), Episode.of_run("m", 0, 0), [recorder])
    assert len(log) == 2 * len(attempts_in(log)) + 1


def test_a_score_that_is_not_finite_is_recorded_as_none():
    _, events = episode(BoxWorld(), "first")
    assert all(event.score is None for event in events[:-1])
    assert np.isfinite(episode(BoxWorld(), "random")[1][0].score)


def test_a_rule_of_no_failures_is_refused():
    for wrong in ({"failures_in_a_row": 0}, {"attempts": 0}, {"faults_in_a_row": -1}):
        with pytest.raises(ValueError, match="at least 1"):
            StopRule(**wrong)


def test_a_log_gives_back_what_was_appended(tmp_path):
    _, events = episode(BoxWorld(faults=(2,)), "random", number=3)
    chosen = events[0]
    everything = [*events, Attempt(episode=4, index=0, policy="m"), Attempt(episode=5, index=0, grasp=chosen.grasp)]
    with EventLog(tmp_path / "log") as log:
        for event in everything:
            log.append(event)
    assert read_events(tmp_path / "log") == everything
    settled = settle_intents(everything)
    assert settled[:-1] == everything[:-1]
    assert settled[-1].outcome is Outcome.FAULT


def test_a_log_of_an_earlier_release_is_read(tmp_path):
    attempt = {"model": "m", "version": "v", "episode": 2, "index": 1, "row": 3, "col": 4, "angle": 0.5, "score": None}
    lines = [
        {"event": "intent", **attempt},
        {"event": "try", **attempt, "outcome": "dropped"},
        {"event": "try", **attempt, "episode": 3, "outcome": "no_grasp"},
        {"event": "end", "model": "m", "episode": 2, "reason": "empty"},
    ]
    (tmp_path / "log").write_text("".join(json.dumps(line) + "\n" for line in lines))
    intent, dropped, nothing, end = read_events(tmp_path / "log")
    assert is_intent(intent) and (dropped.grasp, dropped.outcome) == (intent.grasp, "dropped")
    assert (dropped.policy, dropped.policy_version, dropped.index) == ("m", "v", 1)
    assert nothing.grasp is None and nothing.counted and not nothing.success
    assert end == EpisodeEnd("m", 2, "empty")


@pytest.mark.parametrize("change", [{"event": "guess"}, {"row": "x"}, {"outcome": "won"}, {"angle": 1e999}])
def test_a_line_that_is_no_event_is_named(tmp_path, change):
    line = {
        "event": "attempt",
        "model": "m",
        "version": "v",
        "episode": 2,
        "index": 1,
        "row": 3,
        "col": 4,
        "angle": 0.5,
    }
    (tmp_path / "log").write_text(json.dumps({**line, "score": None, "outcome": "missed", **change}) + "\n")
    with pytest.raises(UserError, match="line 1"):
        read_events(tmp_path / "log")

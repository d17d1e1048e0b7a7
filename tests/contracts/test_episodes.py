"""What the episode loop promises to its observers in every environment, also when it is cut short and goes on."""

import pytest
from tests.contracts.test_environments import ENVIRONMENTS

from grasping_student.datasets.schema import Attempt
from grasping_student.environments.base import Environment
from grasping_student.episodes.configuration import StopRule
from grasping_student.episodes.event_log import EndReason, EpisodeEnd, EventLog, attempts_in, is_intent, read_events
from grasping_student.episodes.loop import Episode, EpisodeObserver, EventRecorder, run_episode
from grasping_student.geometry.grasp import Outcome
from grasping_student.policies.random_foreground import RandomForeground

ATTEMPTS = 3
STOP = StopRule(failures_in_a_row=ATTEMPTS + 1, attempts=ATTEMPTS)


@pytest.fixture(params=["recorded", "robot cell", "standard"], scope="module")
def environment(request):
    with ENVIRONMENTS[request.param]() as made:
        yield made


class Witness(EpisodeObserver):
    """Keeps everything that it is told, in order."""

    def __init__(self):
        self.told = []

    def on_choice(self, observation, attempt):
        self.told.append(("choice", observation, attempt))

    def on_attempt(self, observation, attempt):
        self.told.append(("attempt", observation, attempt))

    def on_end(self, end):
        self.told.append(("end", None, end))


def run(environment, observers, earlier=()):
    return run_episode(environment, RandomForeground(), Episode.of_run("m", 5, 1, STOP, earlier), observers)


def test_observers_are_told_of_every_choice_and_attempt_in_turn_and_of_one_end(environment: Environment):
    first, second = Witness(), Witness()
    reason = run(environment, [first, second])
    assert reason in (EndReason.ATTEMPT_LIMIT, EndReason.EMPTY)
    assert [kind for kind, *_ in first.told] == ["choice", "attempt"] * ((len(first.told) - 1) // 2) + ["end"]
    assert first.told == second.told
    assert first.told[-1][2] == EpisodeEnd("m", 5, reason.value)
    pairs = zip(first.told[:-1:2], first.told[1:-1:2], strict=True)
    for index, ((_, before, choice), (_, after, attempt)) in enumerate(pairs):
        assert before is after, "an attempt belongs to the observation that its grasp was chosen in"
        assert before.heightmap.height[choice.grasp.row, choice.grasp.col] > 0
        assert (choice.outcome, attempt.grasp) == (None, choice.grasp)
        assert isinstance(attempt.outcome, Outcome) and isinstance(attempt, Attempt)
        assert (attempt.episode, attempt.index, attempt.policy) == (5, index, "m")
        assert (attempt.environment, attempt.source) == (environment.name, "script")


def test_what_was_recorded_before_a_stop_is_whole_and_the_episode_goes_on_behind_it(environment, tmp_path):
    class PowerFails(Witness):
        def on_attempt(self, observation, attempt):
            raise KeyboardInterrupt

    path = tmp_path / "attempts.jsonl"
    with EventLog(path) as log, pytest.raises(KeyboardInterrupt):
        run(environment, [EventRecorder(log.append, intents=True), PowerFails()])
    before = read_events(path)
    assert [is_intent(event) for event in before] == [True, False]
    with EventLog(path) as log:
        run(environment, [EventRecorder(log.append, intents=True)], attempts_in(before))
    attempts = attempts_in(read_events(path))
    assert [each.index for each in attempts] == list(range(len(attempts)))
    assert attempts[0] == before[1]

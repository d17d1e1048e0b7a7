"""What another version of the code made: refused, kept, or removed with all that was made from it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from grasping_student.study.configuration import ExperimentConfig
from grasping_student.study.one_shot_log import OneShotLog, forget_attempts
from grasping_student.study.stages import Stage, check_stale, followers, remove_stages


def settle_stale(config: ExperimentConfig, stages: Sequence[Stage], logs: Sequence[OneShotLog]) -> None:
    """Refuse what another version of the code made, keep it, or remove it with all that was made from it.

    Raises:
        UserError: there is some, and it is to be refused.
    """
    for log in logs:
        log.check(config.stale)
    old, old_logs = check_stale(stages, config.stale), [log for log in logs if log.stale]
    if config.stale != "redo" or not (old or old_logs):
        return
    names = followers(config.cache, old)
    what = f"{len(names)} stages and {len(old_logs)} logs of another version of the code, or made from such"
    print(f"{what}, {'would be' if config.dry_run else 'are'} removed and made anew", file=sys.stderr)
    if not config.dry_run:
        for log in old_logs:
            log.remove()
        forget_attempts(config.cache, names)
        remove_stages(config.cache, names)

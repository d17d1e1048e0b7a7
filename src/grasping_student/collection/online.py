"""Stage ``train online``: rounds of attempts and training on all outcomes so far, no person involved.

The first round picks by chance, under the constraint of antipodal contacts; later ones pick by a model of success,
which explores where it is unsure (``policies.exploring``). Each round is a dataset and a checkpoint in the output
folder, made by the stages ``collect`` and ``train affordance``, so a run that stops goes on at any attempt.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from grasping_student.collection import collect
from grasping_student.collection.configuration import CollectConfig
from grasping_student.collection.online_configuration import OnlineConfig
from grasping_student.datasets.store import Dataset
from grasping_student.episodes.configuration import EnvironmentSpec
from grasping_student.episodes.process_cache import MakePolicy
from grasping_student.models.checkpoint import WEIGHTS
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import write_json
from grasping_student.pipeline.folder_lock import STAGE_LOCK
from grasping_student.pipeline.stage import StageRun
from grasping_student.training import affordance

CURVE = "curve.json"
MODEL = "model"
"""Folder, in the output, of the last round's checkpoint."""


def run(config: OnlineConfig, make_policy: MakePolicy, environment: EnvironmentSpec | None = None) -> Path:
    """Grasp and learn, or go on with it; returns the output folder.

    Writes ``round-K/attempts`` (a dataset), ``round-K/model`` (a checkpoint that has learnt from all rounds up to K),
    ``model`` (the last) and ``curve.json``: attempts, successes and their share by round.

    Args:
        config: what to do.
        make_policy: makes the policies of the rounds.
        environment: a workspace that stays as it is left; None takes the one that ``config.collect`` names.

    Raises:
        UserError: an existing ``out``, recorded datasets of another workspace, or rounds without a single success or
            failure.
    """
    stage = StageRun("train online", config)
    inputs = {str(path): Dataset(path).version for path in config.recorded}
    with stage.output_folder(CURVE, inputs) as finished:
        if finished:
            return config.out
        datasets, curve = list(config.recorded), list[dict[str, Any]]()
        policy, earlier, model = str(config.first_policy), 0, None
        for number, total in enumerate(config.attempts):
            folder = config.out / f"round-{number}"
            folder.mkdir(exist_ok=True)
            own = _collection(config, folder, number, total - earlier, policy)
            datasets.append(collect.run(own, make_policy, environment))
            curve.append({"attempts": total, "policy": policy.partition(":")[0], **_outcomes(datasets[-1])})
            model, earlier = _train(config, folder, datasets), total
            policy = config.first_policy if model is None else f"exploring:{model}"
        if model is None:
            raise UserError(
                f"of {earlier} attempts all succeeded, or all failed: there is nothing to learn from; make more "
                "--attempts, choose a harder family, or begin with --first-policy random"
            )
        shutil.copytree(model, config.out / MODEL, dirs_exist_ok=True, ignore=shutil.ignore_patterns(STAGE_LOCK))
        write_json(config.out / CURVE, {"schema_version": 1, "rounds": curve})
        stage.finish(inputs, attempts=config.attempts[-1], successes=sum(each["successes"] for each in curve))
    return config.out


def _collection(config: OnlineConfig, folder: Path, number: int, count: int, policy: str) -> CollectConfig:
    """The attempts of one round, to make or to go on with."""
    out = folder / "attempts"
    seed = config.seed * len(config.attempts) + number
    return replace(config.collect, count=count, policy=policy, seed=seed, out=out, resume=out.exists())


def _train(config: OnlineConfig, folder: Path, datasets: list[Path]) -> Path | None:
    """The model of one round, trained or gone on with; None while no attempt failed, or none succeeded."""
    out = folder / MODEL
    if (out / WEIGHTS).exists() and (out / "manifest.json").exists():
        return out
    own = replace(
        config.affordance, datasets=tuple(datasets), seed=config.seed, out=out, resume=out.exists(), overwrite=False
    )
    try:
        return affordance.run(own)
    except affordance.OneSided:
        return None


def _outcomes(path: Path) -> dict[str, Any]:
    """Attempts, successes and success rate of one round's dataset."""
    ended = [attempt.success for attempt in Dataset(path).attempts(labelled=True)]
    return {"made": len(ended), "successes": sum(map(bool, ended)), "success_rate": sum(map(bool, ended)) / len(ended)}

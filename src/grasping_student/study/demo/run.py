"""The demo: every stage of the data path in order, each with its own command's config, then one report."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grasping_student.collection.collect import run as collect
from grasping_student.collection.configuration import CollectConfig
from grasping_student.datasets.summary import why_dataset_is_kept
from grasping_student.episodes.policy_spec import make_policy
from grasping_student.evaluation.configuration import OneShotConfig, PickingConfig
from grasping_student.pipeline.executor import parallel_map
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.pipeline.stage import StageRun
from grasping_student.pseudo_labels.configuration import light_pseudo_labels
from grasping_student.study.demo.configuration import DemoConfig
from grasping_student.study.stage_graph import spec_under
from grasping_student.training.configuration import TeacherConfig, light_student, light_teacher, light_teacher_augmented

STAGES = "stages.json"


@dataclass
class StageTimes:
    """Seconds of each finished stage, kept on disk: a resumed demo skips them and still reports their time."""

    path: Path
    number: int = 0

    def run(self, name: str, title: str, work: Callable[[], Any]) -> None:
        """Do the work unless an earlier run finished it; what that run only began, the stage itself resumes."""
        self.number += 1
        done = self.seconds()
        if name in done:
            _log(f"{self.number}. {title}: done before, {done[name]:.0f} s")
            return
        _log(f"{self.number}. {title}")
        started = time.perf_counter()
        work()
        write_json(self.path, {**self.seconds(), name: round(time.perf_counter() - started, 2)})

    def seconds(self) -> dict[str, float]:
        """Seconds by stage, in the order in which they were finished."""
        return dict(read_json(self.path)) if self.path.exists() else {}


def run(config: DemoConfig) -> Path:
    """Run or resume the demo; returns the path of the report's page.

    Raises:
        UserError: ``out`` exists, or was begun with other options.
    """
    from grasping_student.study.demo.report import REPORT_HTML

    stage = StageRun("demo", config)
    with stage.output_folder(REPORT_HTML, keep_dataset=why_dataset_is_kept):
        page = _run_stages(config)
        stage.finish()
    return page


def _run_stages(config: DemoConfig) -> Path:
    """Every stage in the order of the data path, then the report."""
    out, times = config.out, StageTimes(config.out / STAGES)

    labels = CollectConfig(
        kind="attempts",
        count=config.labels,
        policy="scripted",
        per_episode=5,
        engine=config.engine,
        workers=config.workers,
        seed=config.seed,
        out=out / "labels",
        resume=True,
    )
    times.run(
        "collect_labels",
        f"{config.labels} labelled grasps of a scripted labeller",
        lambda: collect(labels, make_policy),
    )
    scenes = CollectConfig(
        kind="scenes",
        count=config.scenes,
        engine=config.engine,
        workers=config.workers,
        seed=config.seed + 1,
        out=out / "scenes",
        resume=True,
    )
    times.run("collect_scenes", f"{config.scenes} unlabelled scenes", lambda: collect(scenes, make_policy))
    times.run("teachers", "a teacher as in the paper, and one with augmentation", lambda: _train_teachers(config))
    times.run("pseudo_labels", "the teacher with augmentation labels the scenes", lambda: _pseudo_label(config))
    times.run("student", "the student learns from them", lambda: _train_student(config))
    models = (
        "random=random",
        "scripted=scripted",
        f"teacher={out / 'teacher'}",
        f"teacher_augmented={out / 'teacher_augmented'}",
        f"student={out / 'student'}",
    )
    teacher = spec_under(out / "teacher_augmented", light_pseudo_labels().constraint.name)
    student = spec_under(out / "student", "unconstrained")
    controls = (f"teacher_constrained={teacher}", f"student_unconstrained={student}")
    times.run("one_shot", "all grasp once from the same states", lambda: _one_shot(config, (*models, *controls)))
    times.run("picking", "all pick the same scenes empty", lambda: _picking(config, models))
    return _report(config, times)


def _train_teachers(config: DemoConfig) -> None:
    plain, augmented = light_teacher(), light_teacher_augmented()
    configs = [
        replace(
            each,
            dataset=config.out / "labels",
            out=config.out / name,
            seed=config.seed,
            resume=True,
            loop=replace(each.loop, steps=config.teacher_steps, threads=1),
        )
        for each, name in ((plain, "teacher"), (augmented, "teacher_augmented"))
    ]
    for _ in parallel_map(_train_teacher, configs, min(2, config.workers)):
        pass


def _train_teacher(config: TeacherConfig) -> Path:
    from grasping_student.training.teacher import run as train

    return train(config)


def _pseudo_label(config: DemoConfig) -> None:
    from grasping_student.pseudo_labels.teacher_pass import run as pseudo_label

    pseudo_label(
        replace(
            light_pseudo_labels(),
            teacher=config.out / "teacher_augmented",
            dataset=config.out / "scenes",
            out=config.out / "pseudo-labels",
            workers=config.workers,
            resume=True,
        )
    )


def _train_student(config: DemoConfig) -> None:
    from grasping_student.training.student import run as train

    student = light_student()
    train(
        replace(
            student,
            dataset=config.out / "scenes",
            pseudo_labels=config.out / "pseudo-labels",
            out=config.out / "student",
            seed=config.seed,
            resume=True,
            loop=replace(student.loop, steps=config.student_steps),
        )
    )


def _one_shot(config: DemoConfig, models: tuple[str, ...]) -> None:
    from grasping_student.evaluation.one_shot import run as one_shot

    one_shot(
        OneShotConfig(
            models=models,
            scenes=config.one_shot_scenes,
            engine=config.engine,
            workers=config.workers,
            seed=config.seed + 2,
            out=config.out / "one-shot",
            resume=True,
        )
    )


def _picking(config: DemoConfig, models: tuple[str, ...]) -> None:
    from grasping_student.evaluation.picking_stage import run as picking

    picking(
        PickingConfig(
            models=models,
            episodes=config.episodes,
            engine=config.engine,
            workers=config.workers,
            seed=config.seed + 3,
            out=config.out / "picking",
            resume=True,
        )
    )


def _report(config: DemoConfig, times: StageTimes) -> Path:
    from grasping_student.study.demo.page import build_report, verdicts
    from grasping_student.study.demo.report import REPORT_HTML, DemoRun

    _log("report")
    out = config.out
    report = build_report(
        DemoRun(
            out=out,
            seed=config.seed,
            one_shot=out / "one-shot",
            picking=out / "picking",
            checkpoints={name: out / name for name in ("teacher", "teacher_augmented", "student")},
            dataset=out / "labels",
            labels=config.labels,
            scenes=config.scenes,
            constraint=light_pseudo_labels().constraint.name,
            timing_s=times.seconds(),
        )
    )
    print("\n".join(verdicts(report)))
    print(f"report: {out / REPORT_HTML}")
    return out / REPORT_HTML


def _log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)

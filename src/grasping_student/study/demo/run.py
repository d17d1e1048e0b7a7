"""The demo: every stage of the data path in order, each with its own command's config, then one report."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grasping_student.collection.collect import run as collect
from grasping_student.collection.configuration import CollectConfig, Kind
from grasping_student.datasets.summary import why_dataset_is_kept
from grasping_student.episodes.configuration import SimulationSpec
from grasping_student.episodes.policy_spec import FAILURE_AVOIDING, make_policy, spec_under
from grasping_student.evaluation.configuration import OneShotConfig, PickingConfig
from grasping_student.pipeline.executor import parallel_map
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.pipeline.stage import StageRun
from grasping_student.pseudo_labels.configuration import light_pseudo_labels
from grasping_student.serving.loading import PRETRAINED
from grasping_student.study.demo.configuration import DemoConfig
from grasping_student.study.demo.report import CHECKPOINTS
from grasping_student.study.stage_graph import FINE_TUNING_RATE
from grasping_student.study.stage_registry import shipped_network
from grasping_student.training.affordance_configuration import AffordanceConfig, light_affordance
from grasping_student.training.configuration import StudentConfig, TeacherConfig, light_student, light_teacher_augmented
from grasping_student.training.distillation_configuration import DistillationConfig
from grasping_student.training.loop_configuration import LoopConfig

STAGES = "stages.json"
LABELS, PHOTOS = "labels", "photos"
"""Folders, in the output, of what is collected."""

CONSTRAINT = "antipodal"
"""Constraint of pseudo-labels and of every choice."""

Training = TeacherConfig | AffordanceConfig | StudentConfig


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
    times.run(
        "collect_labels",
        f"{config.labels} grasps that a person's stand-in tries in the bin",
        lambda: collect(_collection(config, "attempts", config.labels, config.seed, out / LABELS), make_policy),
    )
    times.run(
        "collect_photos",
        f"{config.scenes} photos of the bin",
        lambda: collect(_collection(config, "scenes", config.scenes, config.seed + 1, out / PHOTOS), make_policy),
    )
    times.run(
        "teachers",
        "teachers learn from the labels: one from nothing, one from the general model",
        lambda: _train(config, [_teacher_alone(config), _teacher(config)]),
    )
    times.run("pseudo_labels", "the teacher of the labels alone labels the photos", lambda: _pseudo_label(config))
    times.run(
        "students",
        "each teacher's student learns from the photos",
        lambda: _train(config, [_student_alone(config), _student(config)]),
    )
    networks = {name: str(out / name) for name in ("student_alone", "teacher", "student")}
    networks["teacher_alone"] = spec_under(out / "teacher_alone", CONSTRAINT)
    everyone = {"antipodal": "antipodal", "general": str(PRETRAINED), **networks}
    people = {"person": "person", "person_exact": "person-exact"}
    times.run("one_shot", "all grasp once from the same states", lambda: _one_shot(config, everyone | people))
    emptying = {"antipodal": "antipodal"} | {
        name: f"{FAILURE_AVOIDING}:{everyone[name]}" for name in CHECKPOINTS if name != "teacher_alone"
    }
    times.run("picking", "networks and geometry pick the same scenes empty", lambda: _picking(config, emptying))
    return _report(config, times)


def _collection(config: DemoConfig, kind: Kind, count: int, seed: int, out: Path) -> CollectConfig:
    return CollectConfig(
        kind=kind,
        count=count,
        policy="person",
        per_episode=5 if kind == "attempts" else CollectConfig.per_episode,
        family=config.family,
        engine=config.engine,
        workers=config.workers,
        seed=seed,
        out=out,
        resume=True,
    )


def _teacher_alone(config: DemoConfig) -> TeacherConfig:
    base = light_teacher_augmented()
    loop = replace(base.loop, steps=config.teacher_steps, threads=1)
    out = config.out / "teacher_alone"
    return replace(base, dataset=config.out / LABELS, out=out, seed=config.seed, resume=True, loop=loop)


def _teacher(config: DemoConfig) -> AffordanceConfig:
    """Outcomes of the labels, from the general model on."""
    base = light_affordance()
    return replace(
        base,
        datasets=(config.out / LABELS,),
        labels=config.labels,
        initial=PRETRAINED,
        network=shipped_network(),
        constraint=light_pseudo_labels().constraint,
        out=config.out / "teacher",
        seed=config.seed,
        resume=True,
        loop=_from_general(base.loop, -(-config.teacher_steps // 2)),
    )


def _student_alone(config: DemoConfig) -> StudentConfig:
    base = light_student()
    return replace(
        base,
        dataset=config.out / PHOTOS,
        pseudo_labels=config.out / "pseudo-labels",
        out=config.out / "student_alone",
        seed=config.seed,
        resume=True,
        loop=replace(base.loop, steps=config.student_steps, threads=1),
    )


def _student(config: DemoConfig) -> StudentConfig:
    """Whole score maps of its teacher on the photos, from the teacher's weights on."""
    base, teacher = light_student(), config.out / "teacher"
    return replace(
        base,
        dataset=config.out / PHOTOS,
        distillation=DistillationConfig((teacher,)),
        initial=teacher,
        network=shipped_network(),
        out=config.out / "student",
        seed=config.seed,
        resume=True,
        loop=replace(base.loop, steps=config.student_steps, threads=1),
    )


def _from_general(loop: LoopConfig, steps: int) -> LoopConfig:
    optimiser = replace(loop.optimiser, learning_rate=FINE_TUNING_RATE)
    return replace(loop, steps=steps, threads=1, optimiser=optimiser)


def _train(config: DemoConfig, trainings: list[Training]) -> None:
    for _ in parallel_map(_run_training, trainings, min(len(trainings), config.workers)):
        pass


def _run_training(training: Training) -> Path:
    from grasping_student.training import affordance, student, teacher

    if isinstance(training, TeacherConfig):
        return teacher.run(training)
    return affordance.run(training) if isinstance(training, AffordanceConfig) else student.run(training)


def _pseudo_label(config: DemoConfig) -> None:
    from grasping_student.pseudo_labels.teacher_pass import run as pseudo_label

    pseudo_label(
        replace(
            light_pseudo_labels(),
            teacher=config.out / "teacher_alone",
            dataset=config.out / PHOTOS,
            out=config.out / "pseudo-labels",
            workers=config.workers,
            resume=True,
        )
    )


def _one_shot(config: DemoConfig, specs: dict[str, str]) -> None:
    from grasping_student.evaluation.one_shot import run as one_shot

    one_shot(
        OneShotConfig(
            models=tuple(f"{name}={spec}" for name, spec in specs.items()),
            scenes=config.one_shot_scenes,
            family=config.family,
            engine=config.engine,
            workers=config.workers,
            seed=config.seed + 2,
            out=config.out / "one-shot",
            resume=True,
        )
    )


def _picking(config: DemoConfig, specs: dict[str, str]) -> None:
    from grasping_student.evaluation.picking_stage import run as picking

    picking(
        PickingConfig(
            models=tuple(f"{name}={spec}" for name, spec in specs.items()),
            episodes=config.episodes,
            family=config.family,
            engine=config.engine,
            workers=config.workers,
            seed=config.seed + 3,
            out=config.out / "picking",
            resume=True,
        )
    )


def _report(config: DemoConfig, times: StageTimes) -> Path:
    from grasping_student.study.demo.page import build_report, headline, verdicts
    from grasping_student.study.demo.report import REPORT_HTML, DemoRun

    _log("report")
    out = config.out
    report = build_report(
        DemoRun(
            out=out,
            seed=config.seed,
            one_shot=out / "one-shot",
            picking=out / "picking",
            checkpoints={name: PRETRAINED if name == "general" else out / name for name in CHECKPOINTS},
            dataset=out / LABELS,
            labels=config.labels,
            scenes=config.scenes,
            timing_s=times.seconds(),
            environment=SimulationSpec(config.family, engine=config.engine),
        )
    )
    print("\n".join((headline(report), *verdicts(report))))
    print(f"report: {out / REPORT_HTML}")
    return out / REPORT_HTML


def _log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)

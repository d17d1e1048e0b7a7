"""Commands that run one stage of the data path, and print where its result lies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from grasping_student.cli.options import notify, parse
from grasping_student.pipeline.errors import require_extra

if TYPE_CHECKING:
    from grasping_student.collection.configuration import CollectConfig
    from grasping_student.collection.online_configuration import OnlineConfig
    from grasping_student.evaluation.confidence_configuration import ConfidenceConfig
    from grasping_student.pseudo_labels.configuration import PseudoLabelConfig
    from grasping_student.serving.configuration import PredictConfig, ServeConfig
    from grasping_student.serving.export import ExportConfig
    from grasping_student.study.demo.configuration import DemoConfig
    from grasping_student.training.affordance_configuration import AffordanceConfig
    from grasping_student.training.configuration import StudentConfig, TeacherConfig
    from grasping_student.training.pretraining_configuration import PretrainingConfig

HELD_OUT = "held_out.json"

Learning = TypeVar("Learning", "TeacherConfig", "StudentConfig", "AffordanceConfig")


def demo(config: DemoConfig) -> None:
    """``grasping-student demo``."""
    from grasping_student.study.demo.run import run

    run(config)


def collect(config: CollectConfig) -> None:
    """``grasping-student collect``."""
    from grasping_student.collection.collect import run
    from grasping_student.episodes.policy_spec import make_policy
    from grasping_student.pipeline.files import read_json

    out = run(config, make_policy)
    facts = read_json(out / "manifest.json")
    outcomes = ", ".join(f"{count} {name}" for name, count in facts["outcomes"].items()) or "unlabelled"
    notify(f"{facts['attempts']} {config.kind} from {facts['episodes']} episodes in {out}: {outcomes}")


def label(argv: Sequence[str]) -> None:
    """``grasping-student label``."""
    from grasping_student.web.labelling_config import PRESETS

    config = parse("label", PRESETS, with_scenes(argv))
    if config is not None:
        require_extra("web", "nicegui")
        from grasping_student.web.labelling_setup import run

        run(config)


def with_scenes(argv: Sequence[str]) -> list[str]:
    """``--env recorded DIR`` as ``--env recorded --scenes DIR``."""
    arguments = list(argv)
    for position, argument in enumerate(arguments):
        recorded = argument == "--env=recorded" or arguments[position : position + 2] == ["--env", "recorded"]
        follower = position + (1 if "=" in argument else 2)
        if recorded and follower < len(arguments) and not arguments[follower].startswith("-"):
            return [*arguments[:follower], "--scenes", *arguments[follower:]]
    return arguments


def train_teacher(config: TeacherConfig) -> None:
    """``grasping-student train teacher``."""
    from grasping_student.training.teacher import run

    notify(f"checkpoint in {run(with_general(config))}")


def with_general(config: Learning) -> Learning:
    """``--initial general`` as the folder of the general model that ships with the package."""
    from grasping_student.serving.loading import PRETRAINED

    named = config.initial == Path("general") and not Path("general").exists()
    return replace(config, initial=PRETRAINED) if named else config


def with_general_teachers(config: StudentConfig) -> StudentConfig:
    """``--distillation.teachers general`` as the folder of the general model that ships with the package."""
    from grasping_student.serving.loading import PRETRAINED

    general = Path("general")
    named = config.distillation.teachers
    if general not in named or general.exists():
        return config
    teachers = tuple(PRETRAINED if each == general else each for each in named)
    return replace(config, distillation=replace(config.distillation, teachers=teachers))


def train_student(config: StudentConfig) -> None:
    """``grasping-student train student``."""
    from grasping_student.training.student import run

    notify(f"checkpoint in {run(with_general_teachers(with_general(config)))}")


def train_pretraining(config: PretrainingConfig) -> None:
    """``grasping-student train pretraining``."""
    from grasping_student.training.pretraining import run

    out = run(config)
    notify(f"weights in {out}; the other train commands start from them with --initial {out}")


def train_online(config: OnlineConfig) -> None:
    """``grasping-student train online``: rounds of attempts and training, and the curve."""
    from grasping_student.collection.online import CURVE, MODEL, run
    from grasping_student.episodes.policy_spec import make_policy
    from grasping_student.evaluation.table import percent
    from grasping_student.pipeline.files import read_json

    config = replace(config, affordance=with_general(config.affordance))
    out = run(config, make_policy)
    print(f"{'attempts in all':>16}{'of this round':>15}{'successes':>11}{'share':>8}")
    for row in read_json(out / CURVE)["rounds"]:
        print(f"{row['attempts']:>16}{row['made']:>15}{row['successes']:>11}{percent(row['success_rate']):>8}")
    notify(f"model in {out / MODEL}; evaluate it as antipodal:{out / MODEL}")


def train_confidence(config: ConfidenceConfig) -> None:
    """``grasping-student train confidence``: fit, measure on what the fit did not see, draw."""
    from grasping_student.evaluation.confidence import REPORT, run
    from grasping_student.evaluation.table import interval, percent
    from grasping_student.pipeline.files import read_json
    from grasping_student.plotting.confidence_figure import save_confidence_figure

    out = run(config)
    report = read_json(out / REPORT)
    print(f"{'attempts of':<34}{'number':>8}{'success':>9}{'error':>8}  95 %              if chances were true")
    for name, row in {"this evaluation, out of fold": report["in_distribution"], **report["shifted"]}.items():
        print(
            f"{name[-33:]:<34}{row['attempts']:>8}{percent(row['success_rate']):>9}"
            f"{percent(row['calibration_error']):>8}  {interval(row['bootstrap_95']):<18}"
            f"{percent(row['calibration_error_if_true'])}"
        )
    save_confidence_figure(report, out / "confidence.png")
    notify(f"checkpoint with confidence in {out}; predict --model {out} --min-success 0.7 takes it")


def train_affordance(config: AffordanceConfig) -> None:
    """``grasping-student train affordance``: train, and measure on the held-out episodes."""
    from grasping_student.evaluation.network_metrics import evaluate_affordance
    from grasping_student.evaluation.table import percent
    from grasping_student.pipeline.files import write_json
    from grasping_student.training.affordance import run

    out = run(with_general(config))
    if config.labels:
        notify(f"checkpoint in {out}; nothing was held out to measure it on")
        return
    metrics = evaluate_affordance(out)
    write_json(out / HELD_OUT, metrics)
    for name in ("balanced_accuracy", "precision", "recall", "specificity", "expected_calibration_error"):
        print(f"{name.replace('_', ' '):<28}{percent(metrics[name]):>8}")
    notify(f"checkpoint in {out}; on {metrics['attempts']} held-out attempts: {out / HELD_OUT}")


def pseudo_label(config: PseudoLabelConfig) -> None:
    """``grasping-student pseudo-label``."""
    from grasping_student.pseudo_labels.teacher_pass import run

    notify(f"pseudo-labels in {run(config)}")


def predict(config: PredictConfig) -> None:
    """``grasping-student predict``: print what was repaired and where the best grasp is."""
    from grasping_student.serving.predict import POOR, run

    choice = run(config)
    for note in choice.notes:
        notify(f"mended: {note}")
    best = choice.grasps[0]
    place = best.place
    print(
        f"best grasp: x {place.x:+.3f} m, y {place.y:+.3f} m, z {place.z:.3f} m, "
        f"{math.degrees(best.grasp.angle):.0f} degrees, "
        f"open to {place.opening * 1000:.0f} mm, score {best.score:.2f}\nwritten: {config.out / 'grasp.json'}, "
        f"{config.out / 'grasp.png'}"
    )
    if config.strict and not (choice.constrained and choice.on_seen_material):
        raise SystemExit(POOR)


def serve(config: ServeConfig) -> None:
    """``grasping-student serve``."""
    from grasping_student.serving.server import run

    run(config)


def export(config: ExportConfig) -> None:
    """``grasping-student export``."""
    from grasping_student.pipeline.files import read_json
    from grasping_student.serving.export import run

    out = run(config)
    parity = read_json(out / "export.json")["parity"]
    notify(
        f"written: {out}; the checkpoint's grasp on {parity['same_grasps']:.1%} of {parity['scenes']} scenes, "
        f"scores within {parity['largest_difference']:.2g} of their spread; predict and serve take it as --model"
    )

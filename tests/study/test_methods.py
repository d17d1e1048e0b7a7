"""Methods of students: what each is made of, and that nothing is judged by a network it learned from."""

from pathlib import Path

import pytest

from grasping_student.pipeline.errors import UserError
from grasping_student.study.configuration import EXPERIMENT_PRESETS
from grasping_student.study.design import Level, Trial
from grasping_student.study.stage_graph import StageGraph
from grasping_student.study.stages import changed_values, make_stage, with_inputs
from grasping_student.training.configuration import StudentConfig

GRAPH = StageGraph(EXPERIMENT_PRESETS["light"]())


def stages(method, replicate=1, domain="domain-shift"):
    trial = Trial(domain, method, replicate, Level(0.05, method=method))
    return with_inputs([GRAPH.model("student_method", trial)])


def only(found, kind):
    (stage,) = [each for each in found if each.kind == kind]
    return stage


@pytest.mark.parametrize("method", ["affordance-filter", "ensemble", "ema-teacher"])
def test_whoever_helps_a_teacher_knows_the_same_labels_and_no_more(method):
    found = [each.config for each in stages(method) if each.kind in ("teacher", "affordance_filter")]
    teacher = only(stages("plain"), "teacher").config
    for config in found:
        datasets = getattr(config, "datasets", None) or (config.dataset,)
        assert (*datasets, config.labels, config.label_seed) == (teacher.dataset, teacher.labels, teacher.label_seed)
        assert config.sources == teacher.sources
    assert len({config.seed for config in found if hasattr(config, "dataset")}) == (3 if method == "ensemble" else 1)


def test_options_of_a_teacher_make_another_one():
    plain, averaged = only(stages("plain"), "teacher").config, only(stages("ema-teacher"), "teacher").config
    assert changed_values(averaged, plain) == {"loop": {"ema": 0.98}}


def test_who_relabels_sees_all_scenes_of_the_pool_besides_and_their_labels_nowhere():
    """The labels of the pool reach the teacher alone; the student learns from the teacher's table of all scenes."""
    plain, found = stages("plain"), stages("relabelled")
    merged, table, student = (only(found, kind) for kind in ("merged", "table", "student"))
    (unlabelled, pool) = merged.inputs
    assert unlabelled.name == only(plain, "table").inputs[1].name
    assert pool.name == only(plain, "teacher").inputs[0].name
    assert merged.config.first == GRAPH.sizes.pool
    assert table.config.dataset == student.config.dataset == merged.out
    assert only(found, "teacher").name == only(plain, "teacher").name
    assert changed_values(student.config, only(plain, "student").config).keys() == {"dataset", "pseudo_labels"}


def test_in_a_second_round_the_student_of_the_first_labels_and_the_constraint_stays():
    first, found = stages("antipodal"), stages("antipodal-two-rounds")
    earlier, later = [each for each in found if each.kind == "student"]
    assert earlier.name == only(first, "student").name
    assert (later.inputs[0].kind, later.inputs[0].config.teacher) == ("table", earlier.out)
    assert later.inputs[0].config.constraint == only(first, "table").config.constraint
    assert changed_values(later.config, earlier.config).keys() == {"seed", "pseudo_labels"}


def test_online_attempts_are_the_own_teachers_in_the_scenes_where_the_student_must_work():
    found = stages("online-attempts")
    student, teacher = only(found, "student").config, only(found, "teacher")
    (experience,) = [each for each in found if each.out == student.online_attempts]
    assert [each.name for each in experience.inputs] == [teacher.name]
    assert (experience.config.policy, experience.config.family) == (str(teacher.out), "dense")
    others = [each.config.seed for each in found if each.kind == "dataset" and each is not experience]
    assert experience.config.seed not in others


def test_a_pretrained_student_starts_from_its_own_scenes_and_seed():
    found = stages("pretrained")
    student, pretraining = only(found, "student").config, only(found, "pretraining")
    assert student.initial == pretraining.out
    assert (pretraining.config.dataset, pretraining.config.seed) == (student.dataset, student.seed)


def test_a_model_that_learned_from_the_proxys_network_is_not_judged_by_it():
    affordance = GRAPH.affordance("dense")
    guilty = make_stage("student", StudentConfig(out=Path("x")), GRAPH.cache, (affordance,))
    with pytest.raises(UserError, match=r"learned from affordance-.*--no-proxy"):
        GRAPH.proxy(guilty, "domain-shift")
    assert GRAPH.proxy(stages("affordance-filter")[-1], "domain-shift").kind == "proxy"


def bin_student(condition, preset="bin"):
    graph = StageGraph(EXPERIMENT_PRESETS[preset]())
    return graph.model(condition, Trial("bin", "100", 0, Level(0.25))), graph


def test_a_student_of_soft_targets_has_teachers_of_the_same_labels_and_no_table():
    stage, _ = bin_student("student_soft")
    teachers = stage.config.distillation.teachers
    made = {each.out: each for each in with_inputs([stage])}
    assert len(teachers) == 3
    assert "table" not in {each.kind for each in made.values()}
    configs = [made[path].config for path in teachers]
    assert {changed_values(each, configs[0]).keys() <= {"seed"} for each in configs} == {True}
    assert len({each.seed for each in configs}) == 3
    assert stage.config.initial == teachers[0]
    assert stage.config.network == configs[0].network


def test_the_student_of_one_pass_learns_longer_from_the_same_teacher():
    stage, graph = bin_student("student_one_pass")
    other, _ = bin_student("student_general")
    assert stage.config.network.name == "one-pass"
    assert stage.config.distillation.teachers == (other.config.initial,)
    assert stage.config.loop.steps == 5 * graph.sizes.student_steps
    assert stage.config.initial is None

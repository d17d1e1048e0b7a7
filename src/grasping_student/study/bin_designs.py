"""Designs of the experiments in bins: what labels, photos and a model from simulation are worth there."""

from __future__ import annotations

from grasping_student.study.design import Design, Domain, Level

BIN_DOMAINS: dict[str, Domain] = {
    "bin": Domain("bin", "bin-test", photos="bin", labeller="person"),
    "own-bin": Domain("bin-test", "bin-test", photos="bin-test", labeller="person"),
    "stereo-blocks": Domain("stereo-blocks", "stereo-blocks-test", photos="stereo-blocks", labeller="person"),
}
"""In ``bin`` the test has other item categories than labels and photos. In ``own-bin`` it has the same ones, which the
general model has never met: the bin where the robot works. Test scenes are always of seeds that training never met."""

BIN_POOL = 400
"""Labels of the largest level; the sizes of preset ``bin`` hold so many."""

LABELS = (20, 50, 100, 200, 400)

BIN_CONDITIONS = (
    "random",
    "antipodal",
    "person",
    "person-exact",
    "teacher",
    "teacher_augmented",
    "teacher_matched",
    "teacher_paper_antipodal",
    "teacher_antipodal",
    "teacher_matched_antipodal",
    "student",
    "student_paper_antipodal",
    "student_augmented",
    "student_unconstrained",
    "student_antipodal",
    "outcomes",
    "general",
    "general_outcomes",
    "student_general",
    "student_soft",
    "student_one_pass",
)
"""Every condition stands in every table: chance, geometry, the ceiling, all teachers and students."""

_DRAWN = (
    "antipodal",
    "person-exact",
    "teacher_augmented",
    "teacher_antipodal",
    "student_antipodal",
    "outcomes",
    "general",
    "general_outcomes",
    "student_general",
)

BIN_DESIGNS: dict[str, Design] = {
    "bin-labels": Design(
        "Labels and photos in a bin",
        "labels",
        {str(count): Level(count / BIN_POOL) for count in LABELS},
        lambda level, domain: BIN_CONDITIONS,
        measures=("one_shot",),
        drawn=_DRAWN,
        domains=("bin", "own-bin", "stereo-blocks"),
    ),
    "bin-picking": Design(
        "Episodes in a bin",
        "labels",
        {str(count): Level(count / BIN_POOL) for count in (50, 400)},
        lambda level, domain: BIN_CONDITIONS,
        measures=("picking", "one_shot"),
        drawn=_DRAWN,
        domains=("bin", "own-bin"),
    ),
}
"""Name -> experiment."""

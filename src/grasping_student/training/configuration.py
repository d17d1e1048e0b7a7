"""How a network is trained; the same for teacher, student and affordance. Importing this loads no torch."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import ClassVar, Literal

from grasping_student.models.configuration import NetworkConfig
from grasping_student.models.normalisation import Normalisation
from grasping_student.pipeline.configuration import check_seeds
from grasping_student.training.augmentation import AugmentationConfig, standard_augmentation
from grasping_student.training.distillation_configuration import DistillationConfig
from grasping_student.training.loop_configuration import LoopConfig, OptimiserConfig


@dataclass(frozen=True)
class TeacherConfig:
    """Learn from labelled grasps (paper, Algorithm 1)."""

    dataset: Path = Path("runs/labels")
    """Dataset with labelled attempts."""

    out: Path = Path("runs/teacher")
    """Checkpoint folder to write."""

    seed: int = 0
    """Initial weights, order of the labels, augmentation."""

    resume: bool = False
    """Go on with an interrupted run."""

    overwrite: bool = False
    """Replace ``out`` if it exists."""

    sources: tuple[Literal["human", "script", "policy"], ...] = ("human", "script")
    """Whose grasps are labels."""

    labels: int = 0
    """Use this many labelled attempts, drawn with ``label_seed``; 0 uses all."""

    label_fraction: float = 1.0
    """Or use this share of them."""

    label_seed: int = 0
    """Draw of the labels: different networks on the same labels share it."""

    initial: Path | None = None
    """Checkpoint folder whose weights training starts from, or none; ``general`` is the model that ships."""

    network: NetworkConfig = field(default_factory=NetworkConfig)
    normalisation: Normalisation = field(default_factory=Normalisation)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    loop: LoopConfig = field(default_factory=LoopConfig)

    def __post_init__(self) -> None:
        check_seeds(self, "seed", "label_seed")
        if self.labels < 0:
            raise ValueError(f"labels is {self.labels}; give a positive number, or 0 for all")
        if not 0.0 < self.label_fraction <= 1.0:
            raise ValueError(f"label_fraction is {self.label_fraction}; it must lie in (0, 1]")
        if self.labels and self.label_fraction < 1.0:
            raise ValueError("labels and label_fraction exclude each other: give one")

    @property
    def inputs(self) -> tuple[Path | None, ...]:
        """Folders that are read."""
        return self.dataset, self.initial


@dataclass(frozen=True)
class PseudoLabelChoice:
    """Which of the table's pseudo-labels a student sees."""

    angles: int = 64
    """Angles at which the teacher looked at each scene (the paper's student: 16 of 64)."""

    draw: Literal["random", "even"] = "random"
    """With fewer than 64 angles: a random subset for each scene, drawn once, or every 64/angles-th."""

    labels_per_scene: int = 1
    """How many of the n best grasps of a scene are labels, each an item of its own (needs 16 or 64 even angles)."""

    weights: Literal["equal", "rank", "score", "confidence"] = "equal"
    """Weight of a pseudo-label in the loss: all equal, 1 / rank, the teacher's softmax share among the scene's, or,
    with one label a scene, its share of the softmax over the whole scene, 1 on average."""

    keep: float = 1.0
    """Share of the scenes that are kept, those in which the teacher's softmax gives its best grasp the most."""

    def __post_init__(self) -> None:
        if not 1 <= self.angles <= 64:
            raise ValueError(f"pseudo angles is {self.angles}; it must lie in [1, 64]")
        if self.draw == "even" and 64 % self.angles:
            raise ValueError(f"pseudo angles is {self.angles}; evenly drawn, it must divide 64")
        if self.labels_per_scene < 1:
            raise ValueError(f"pseudo labels_per_scene is {self.labels_per_scene}; it must be at least 1")
        if not 0.0 < self.keep <= 1.0:
            raise ValueError(f"pseudo keep is {self.keep}; it must lie in (0, 1]")
        if self.weights == "confidence" and self.labels_per_scene > 1:
            raise ValueError("pseudo weights 'confidence' are for one label a scene; 'score' weighs several")
        if self.labels_per_scene > 1 and (self.angles not in (16, 64) or (self.angles == 16 and self.draw != "even")):
            raise ValueError(
                "several labels a scene are stored for 64 angles and for 16 even ones: set angles and draw"
            )


@dataclass(frozen=True)
class StudentConfig:
    """Learn from a teacher's pseudo-labels (paper, Algorithm 2), or from its whole score maps."""

    RENAMED: ClassVar[dict[str, str]] = {
        "obey_rule": "constrain",
        "rule_weight": "constraint_weight",
        "true_share": "labelled_fraction",
        "experience": "online_attempts",
        "experience_share": "online_fraction",
    }

    dataset: Path = Path("runs/scenes")
    """Dataset with the scenes; their own labels, if any, are not used."""

    pseudo_labels: Path = Path("runs/pseudo-labels")
    """Folder that ``pseudo-label`` wrote for this dataset; nothing is read there with ``distillation.teachers``."""

    out: Path = Path("runs/student")
    """Checkpoint folder to write."""

    seed: int = 0
    """Initial weights, order of the scenes, drawn angles, augmentation."""

    resume: bool = False
    """Go on with an interrupted run."""

    overwrite: bool = False
    """Replace ``out`` if it exists."""

    pseudo: PseudoLabelChoice = field(default_factory=PseudoLabelChoice)

    distillation: DistillationConfig = field(default_factory=DistillationConfig)

    constrain: bool = True
    """The student carries the constraint of its pseudo-labels, or of its first teacher, if they have one, and obeys it
    when it chooses."""

    constraint_weight: float = 0.0
    """Weight of a second loss, which wants all probability on grasps that the pseudo-labels' constraint allows."""

    true_labels: Path | None = None
    """Dataset whose true labels are mixed into every batch, or none (paper: none)."""

    labelled_fraction: float = 0.0
    """Share of a batch taken from ``true_labels``: at least one place."""

    labels: int = 0
    """Use this many of the true labels, drawn with ``label_seed``; 0 uses all."""

    label_seed: int = 0
    """Draw of the true labels: the teacher's, so that both know the same."""

    online_attempts: Path | None = None
    """Dataset of a robot's own attempts, failures too, that are mixed into every batch, or none (paper: none)."""

    online_fraction: float = 0.0
    """Share of a batch taken from ``online_attempts``, half successes and half failures: at least one place each."""

    initial: Path | None = None
    """Checkpoint folder whose weights training starts from, or none; ``general`` is the model that ships."""

    network: NetworkConfig = field(default_factory=NetworkConfig)
    normalisation: Normalisation = field(default_factory=Normalisation)
    augmentation: AugmentationConfig = field(default_factory=standard_augmentation)
    loop: LoopConfig = field(default_factory=LoopConfig)

    def __post_init__(self) -> None:
        check_seeds(self, "seed", "label_seed")
        if self.constraint_weight < 0.0:
            raise ValueError(f"constraint_weight is {self.constraint_weight}; it must be at least 0")
        self._check_mixed("true_labels", "labelled_fraction", self.shares[1], 1, "one")
        if self.true_labels is None and (self.labels or self.label_seed):
            name = "labels" if self.labels else "label_seed"
            raise ValueError(f"{name} draws from true_labels: name the dataset that holds them, or leave {name} out")
        self._check_mixed("online_attempts", "online_fraction", self.shares[2], 2, "a success and a failure")
        if self.pseudo.weights in ("rank", "score") and self.pseudo.labels_per_scene == 1:
            raise ValueError(
                f"pseudo.weights {self.pseudo.weights} weighs the labels of a scene against each other, and there is "
                "one: give pseudo.labels_per_scene 2 or more, or leave the weights out"
            )
        if self.distillation.teachers:
            self._check_distilled()
        elif self.distillation != DistillationConfig():
            raise ValueError("distillation has options and no teachers: give distillation.teachers, or none of it")
        if self.shares[0] < 1:
            raise ValueError(
                f"labelled_fraction {self.labelled_fraction} and online_fraction {self.online_fraction} leave no place "
                f"for pseudo-labels in a batch of {self.loop.batch}"
            )

    def _check_distilled(self) -> None:
        """Refuse options that say something of pseudo-labels, where there are none."""
        usual = {each.name: each for each in fields(self)}
        for name in ("pseudo_labels", "pseudo", "constraint_weight", "true_labels", "online_attempts"):
            factory, value = usual[name].default_factory, usual[name].default
            if getattr(self, name) != (value if factory is MISSING else factory()):
                raise ValueError(
                    f"{name} is for students of pseudo-labels, and distillation.teachers teach by score maps: leave "
                    "one of them out"
                )
        if self.augmentation.blocks:
            raise ValueError("augmentation blocks are things that distillation.teachers do not see: leave them at 0")

    def _check_mixed(self, dataset: str, fraction: str, places: int, least: int, what: str) -> None:
        """Make sure that a dataset to be mixed in and its fraction of a batch go together.

        Args:
            dataset: name of the field with the dataset.
            fraction: name of the field with its fraction of a batch.
            places: that it gets.
            least: places that it needs.
            what: those hold.
        """
        path, share, batch = getattr(self, dataset), getattr(self, fraction), self.loop.batch
        if not 0.0 <= share < 1.0:
            raise ValueError(f"{fraction} is {share}; it must lie in [0, 1)")
        if share > 0.0 and path is None:
            raise ValueError(f"{fraction} needs {dataset}: name the dataset that holds them")
        if path is not None and share == 0.0:
            raise ValueError(
                f"{dataset} {path} is not used with {fraction} 0: give a fraction above 0, or no {dataset}"
            )
        if share > 0.0 and places == 0:
            more = f"{least / batch:g} is {what}" if batch > least else "take a larger batch"
            raise ValueError(
                f"{fraction} {share}: up to {0.5 * least / batch:g} is no place in a batch of {batch}, {more}"
            )

    @property
    def inputs(self) -> tuple[Path | None, ...]:
        """Folders that are read."""
        taught = self.distillation.teachers or (self.pseudo_labels,)
        return self.dataset, *taught, self.true_labels, self.online_attempts, self.initial

    @property
    def shares(self) -> tuple[int, int, int, int]:
        """Places in a batch: pseudo-labels, true labels, successes and failures of the online attempts."""
        true, half = round(self.labelled_fraction * self.loop.batch), round(self.online_fraction * self.loop.batch / 2)
        return self.loop.batch - true - 2 * half, true, half, half


def light_teacher() -> TeacherConfig:
    """The plain teacher for two processor cores: no augmentation, as in the paper."""
    return TeacherConfig(loop=LoopConfig(steps=400, batch=8))


def light_teacher_augmented() -> TeacherConfig:
    """The same teacher with augmentation."""
    return TeacherConfig(
        out=Path("runs/teacher-augmented"), augmentation=standard_augmentation(), loop=light_teacher().loop
    )


def light_student() -> StudentConfig:
    """The student for two processor cores."""
    return StudentConfig(loop=LoopConfig(steps=600, batch=8))


def _paper_network() -> NetworkConfig:
    return NetworkConfig(name="fpn-resnet50", encoder_weights="imagenet")


def _paper_loop() -> LoopConfig:
    return LoopConfig(steps=0, epochs=30, batch=8, optimiser=OptimiserConfig(schedule="epoch"))


def paper_teacher() -> TeacherConfig:
    """Section III-G: FPN-resnet50 from ImageNet weights, 30 epochs, batch 8; meant for 338 px heightmaps."""
    return TeacherConfig(network=_paper_network(), loop=_paper_loop())


def paper_student() -> StudentConfig:
    """Section III-G and IV-D: as the teacher, from 16 of 64 angles."""
    choice = PseudoLabelChoice(angles=16)
    return StudentConfig(pseudo=choice, network=_paper_network(), augmentation=AugmentationConfig(), loop=_paper_loop())


TEACHER_PRESETS = {"light": light_teacher, "light-augmented": light_teacher_augmented, "paper": paper_teacher}
STUDENT_PRESETS = {"light": light_student, "paper": paper_student}

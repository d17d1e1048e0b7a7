"""The datasets of the experiments by themselves, and whether they are the ones that the results were made with."""

from __future__ import annotations

import sys

from grasping_student.datasets.store import Dataset
from grasping_student.pipeline.configuration import choice
from grasping_student.pipeline.errors import UserError
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.study.configuration import ExperimentConfig
from grasping_student.study.designs import PAPER_DOMAINS
from grasping_student.study.pictures import LABELS, plot_labels
from grasping_student.study.results_sizes import check_sizes, with_engine
from grasping_student.study.stage_graph import StageGraph
from grasping_student.study.stages import Stage, run_stage, settle_outdated, with_inputs

VERSIONS = "datasets.json"


def make_datasets(config: ExperimentConfig) -> str:
    """Make what is missing, and compare every content hash with the one on file; returns a table in text.

    These are both parts of what the affordance networks learn from, attempts of a person's stand-in and of a robot with
    an early teacher (which is trained for it), and the scenes of the students and of the proxy.

    Raises:
        UserError: a dataset differs from the one that the results were made with, or those were made with other sizes
            or another seed.
    """
    config = with_engine(config)
    graph = StageGraph(config)
    wanted: dict[str, Stage] = {}
    domains = tuple(choice(name, PAPER_DOMAINS, "domain") for name in config.domains) or tuple(PAPER_DOMAINS)
    for name in domains:
        domain = PAPER_DOMAINS[name]
        wanted |= {f"labels {domain.labels}": graph.data.pool(domain.labels), f"scenes {name}": graph.data.scenes(name)}
        wanted[f"held out {domain.target}"] = graph.data.held_out(domain.target)
        wanted[f"labels {domain.target}"] = graph.data.pool(domain.target)
        wanted[f"robot {domain.target}"] = graph.robot(domain.target)
    check_sizes(config.out, config)
    settle_outdated(config, list(wanted.values()), [])
    for stage in with_inputs(wanted.values()):
        run_stage(stage)
    path = config.out / VERSIONS
    known = read_json(path) if path.exists() else {}
    lines, different = [], []
    for name, stage in wanted.items():
        dataset = Dataset(stage.out)
        key, version = stage.name, dataset.version
        status = "as on file" if key in known else "new"
        if known.setdefault(key, version) != version:
            different.append(name)
            status = f"not {known[key][:16]}"
        lines.append(f"{name:<28}{len(dataset):>7}  {version[:16]}  {status:<12}{stage.out}")
    if different:
        print("\n".join(lines), file=sys.stderr)
        raise UserError(
            f"{', '.join(different)}: not the data behind {path}; another version of the code or of a library, or "
            "another kind of processor, can collect other scenes. The results on file stay valid for theirs; choose "
            "another --out for yours"
        )
    write_json(path, known)
    for family in dict.fromkeys(PAPER_DOMAINS[name].labels for name in domains):
        plot_labels(graph.data.pool(family).out, config.out / f"{LABELS}-{family}.png")
    return "\n".join(lines)

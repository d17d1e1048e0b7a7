"""The measured costs of the presets, shipped with the package so that a first ``--dry-run`` can say how long.

``python benchmarks/ship_costs.py`` takes ``results/costs.json``, which every experiment writes, and the finished stages
in the cache, leaves out what the light preset does not use, adds the steps and the inference at paper size that
``paper_size.py`` measured, and writes ``src/grasping_student/study/costs.json``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import mean

from grasping_student.pipeline.files import read_json, write_json
from grasping_student.pipeline.manifest import machine_name
from grasping_student.study import planning
from grasping_student.study.configuration import light, paper
from grasping_student.study.costs import COSTS, SHIPPED, cost_key, measured_costs
from grasping_student.study.designs import DESIGNS
from grasping_student.study.estimates import all_configs
from grasping_student.study.stage_graph import StageGraph

PAPER_SIZE = Path(__file__).parent / "results" / "paper_size.json"


def paper_costs() -> dict[str, float]:
    """Processor seconds a label in a training step, and an angle of a pseudo-labelled scene, at paper size."""
    measured, sizes = read_json(PAPER_SIZE), paper().sizes
    scale = f"{sizes.network.name}-{sizes.pixels}"
    a_label = round(measured["our_steps"]["step"] / measured["batch"], 6)
    an_angle = round(mean(measured["our_inference_torch"]["seconds"]) / 16, 6)
    return {
        cost_key("teacher", scale): a_label,
        cost_key("student", scale): a_label,
        cost_key("table", scale): an_angle,
    }


def main() -> None:
    """Ship them, print what is shipped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of results (results)")
    parser.add_argument("--cache", type=Path, default=light().cache, help="finished stages, if still there")
    options = parser.parse_args()
    wanted = {cost_key(name, str(light().sizes.pixels)) for name in ("one_shot scene", "one_shot attempt")}
    for config in all_configs(light()):
        for stage in planning.stages_of(planning.planned_runs(config, DESIGNS[config.name], StageGraph(config))):
            wanted.add(cost_key(stage.kind, stage.scale))
    path = options.results / COSTS
    measured = (read_json(path)["seconds_a_unit"] if path.exists() else {}) | measured_costs(options.cache)
    shipped = {key: value for key, value in measured.items() if key in wanted} | paper_costs()
    write_json(SHIPPED, {"machine": machine_name(), "seconds_a_unit": shipped})
    for key, value in shipped.items():
        print(f"{key:<32}{value:>10.5f} s")
    for key in sorted(wanted - shipped.keys()):
        print(f"{key:<32} not measured")


if __name__ == "__main__":
    main()

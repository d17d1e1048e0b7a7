"""A hundred random faults injected into the simulated cell; writes ``results/robot_cell_faults.json``.

Nothing may hang for more than five seconds, leave the safe box, move by itself after a stop, or lose an attempt. Time
limits are those of the drivers: run it on a machine that does nothing else. It goes in batches, each with fakes of its
own; stopped after ``--minutes``, it goes on where it was when it is started again.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.robots.fault_campaign import Campaign, CampaignReport, merged, shuffled_faults

from grasping_student.fakes.launch import simulated_cell
from grasping_student.geometry.workspace import light_workspace
from grasping_student.pipeline.files import read_json, write_json
from grasping_student.pipeline.manifest import machine_name

LONGEST_WAIT = 5.0
BATCH = 20


def one_batch(names: list[str], seed: int, patience: float) -> dict[str, Any]:
    """The report of a batch of faults on new fakes, and what the fake arm saw."""
    with simulated_cell(workspace=light_workspace(), patience=patience) as (fakes, config):
        found = Campaign(fakes, config, seed).run(names)
        box, seen = config.safe_box, fakes.do("report")
    inside = all(low - 1e-6 <= value for low, value in zip(box.low, seen["lowest"], strict=True)) and all(
        value <= high + 1e-6 for high, value in zip(box.high, seen["highest"], strict=True)
    )
    return {
        "report": asdict(found),
        "inside": inside,
        "slow_enough": seen["top_speed"] <= box.fastest + 1e-9,
        "violations": seen["violations"],
    }


def main() -> int:
    """Run the campaign, print the verdict, and exit with 1 if a rule was broken, with 3 if batches are left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--patience", type=float, default=1.0, help="factor on the drivers' time limits")
    parser.add_argument("--minutes", type=float, default=60.0, help="begin no batch after this")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "robot_cell_faults.json")
    options = parser.parse_args()
    names = shuffled_faults(options.faults, options.seed)
    progress = options.out.with_suffix(".progress")
    asked = {"faults": options.faults, "seed": options.seed, "patience": options.patience}
    kept: dict[str, Any] = read_json(progress) if progress.exists() else {"asked": asked, "batches": []}
    batches: list[dict[str, Any]] = kept["batches"] if kept["asked"] == asked else []
    began = time.monotonic()
    while len(batches) * BATCH < len(names):
        if time.monotonic() - began > 60.0 * options.minutes:
            print(f"{len(batches) * BATCH} of {len(names)} faults; start it again to go on")
            return 3
        first = len(batches) * BATCH
        batches.append(one_batch(names[first : first + BATCH], options.seed + first, options.patience))
        write_json(progress, {"asked": asked, "batches": batches})
        print(f"{min(first + BATCH, len(names))} faults", flush=True)
    found = merged([CampaignReport(**batch["report"]) for batch in batches])
    violations = [each for batch in batches for each in batch["violations"]]
    rules = {
        f"no wait over {LONGEST_WAIT:.0f} s": found.slowest_reaction_s <= LONGEST_WAIT,
        "no motion outside the safe box": all(batch["inside"] for batch in batches),
        "no speed above the limit": all(batch["slow_enough"] for batch in batches),
        "no number that is not finite at a device": not violations,
        "no motion by itself after a stop": found.moves_after_a_stop == 0,
        "no attempt lost or counted twice": not found.lost,
    }
    write_json(
        options.out,
        {
            "faults": found.faults,
            "grasps": found.grasps,
            "attempts": found.attempts,
            "grasps_ended_by_a_fault": found.ended_by_a_fault,
            "patience": options.patience,
            "slowest_reaction_s": round(found.slowest_reaction_s, 2),
            "slowest_reaction_s_by_fault": {
                name: round(max(each), 2) for name, each in sorted(found.reaction_s.items())
            },
            "rules": rules,
            "broken": found.lost + violations,
            "machine": machine_name(),
        },
    )
    progress.unlink()
    for rule, held in rules.items():
        print(f"{'held  ' if held else 'BROKEN'} {rule}")
    print(f"{found.faults} faults, slowest reaction {found.slowest_reaction_s:.2f} s; written to {options.out}")
    return 0 if all(rules.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())

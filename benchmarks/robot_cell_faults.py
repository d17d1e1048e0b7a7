"""A hundred random faults injected into the robot cell's twin; writes ``results/robot_cell_faults.json``.

Nothing may hang for more than five seconds, leave the safe box, move by itself after a stop, or lose an attempt.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from grasping_student.environments.robot_cell.fakes.fault_campaign import Campaign
from grasping_student.environments.robot_cell.fakes.twin_cell import twin_cell
from grasping_student.files import write_json
from grasping_student.manifest import machine_name
from grasping_student.workspace import light_workspace

LONGEST_WAIT = 5.0


def main() -> int:
    """Run the campaign, print the verdict, and exit with 1 if a rule was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--patience", type=float, default=1.0, help="factor on the drivers' time limits")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "robot_cell_faults.json")
    options = parser.parse_args()
    with twin_cell(workspace=light_workspace(), patience=options.patience) as (fakes, config):
        found = Campaign(fakes, config, options.seed).run(options.faults)
        box, seen = config.safe_box, fakes.do("report")
    inside = all(low - 1e-6 <= value for low, value in zip(box.low, seen["lowest"], strict=True)) and all(
        value <= high + 1e-6 for high, value in zip(box.high, seen["highest"], strict=True)
    )
    rules = {
        f"no wait over {LONGEST_WAIT:.0f} s": found.slowest_reaction_s <= LONGEST_WAIT,
        "no motion outside the safe box": inside,
        "no speed above the limit": seen["top_speed"] <= box.fastest + 1e-9,
        "no number that is not finite at a device": not seen["violations"],
        "no motion by itself after a stop": found.moves_after_a_stop == 0,
        "no attempt lost or counted twice": not found.lost,
    }
    write_json(
        options.out,
        {
            "faults": found.faults, "tries": found.tries, "attempts": found.attempts,
            "tries_ended_by_a_fault": found.faults_in_a_try, "patience": options.patience,
            "slowest_reaction_s": round(found.slowest_reaction_s, 2),
            "slowest_reaction_s_by_fault": {
                name: round(max(each), 2) for name, each in sorted(found.reaction_s.items())
            },
            "rules": rules, "broken": found.lost + seen["violations"], "machine": machine_name(),
        },
    )  # fmt: skip
    for rule, held in rules.items():
        print(f"{'held  ' if held else 'BROKEN'} {rule}")
    print(f"{found.faults} faults, slowest reaction {found.slowest_reaction_s:.2f} s; written to {options.out}")
    return 0 if all(rules.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())

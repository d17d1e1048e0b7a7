"""Puts the simulator's measured numbers into docs/simulator.md, between its markers.

Usage: python benchmarks/simulator_page.py, after simulator_rates.py, simulator_stability.py, simulator.py
and demo_engines.py.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from grasping_student.pipeline.files import read_json, write_text
from grasping_student.simulation.config import ENGINE_TITLES

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parents[1] / "docs" / "simulator.md"

Facts = dict[str, Any]


def rates_table(facts: Facts) -> str:
    """Success of chance and of the scripted picker in every family, the engines side by side."""
    engines = list(dict.fromkeys(row["engine"] for row in facts["rates"]))
    lines = [f"| family | policy | {' | '.join(f'{ENGINE_TITLES[engine]}, success' for engine in engines)} |"]
    lines.append("|---|---|" + "---|" * len(engines))
    for family, policy in dict.fromkeys((row["family"], row["policy"]) for row in facts["rates"]):
        cells = []
        for engine in engines:
            row = next(r for r in facts["rates"] if (r["family"], r["policy"], r["engine"]) == (family, policy, engine))
            low, high = row["wilson_95"]
            share = f"{100 * row['success_rate']:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"
            cells.append(f"{share}, {row['successes']} of {row['attempts']}")
        lines.append(f"| {family} | {policy} | {' | '.join(cells)} |")
    return "\n".join(
        [*lines, "", f"Wilson intervals, 95 %. Scenes from seed {facts['seed']}; every row its own episodes."]
    )


def one_shot_table(facts: Facts) -> str:
    """Success of every policy from the same states, a row a family."""
    policies = list(dict.fromkeys(row["policy"] for row in facts["rates"]))
    lines = [f"| family | engine | states | {' | '.join(policies)} |", "|---|---|---|" + "---|" * len(policies)]
    for family, engine in dict.fromkeys((row["family"], row["engine"]) for row in facts["rates"]):
        rows = {r["policy"]: r for r in facts["rates"] if (r["family"], r["engine"]) == (family, engine)}
        cells = []
        for policy in policies:
            low, high = rows[policy]["wilson_95"]
            cells.append(f"{100 * rows[policy]['success_rate']:.0f} % [{100 * low:.0f}, {100 * high:.0f}]")
        states = sum(rows[policies[0]]["outcomes"].values())
        lines.append(f"| {family} | {ENGINE_TITLES[engine]} | {states} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"Wilson intervals, 95 %. Scenes from seed {facts['seed']}, four states of each."])


def stability_list(facts: Facts) -> str:
    """Extremes over all attempts."""
    drift, cut = facts["drift_in_a_second_all_awake_m"], facts["settling_cut_off"]
    return "\n".join(
        [
            f"- {ENGINE_TITLES[facts['engine']]}: {facts['attempts']} random attempts in {facts['scenes']} scenes "
            f"of {', '.join(facts['families'])}, seed {facts['seed']}",
            f"- highest that any block got above the pile, lifted ones included (a lift is 80 mm): "
            f"{1000 * facts['highest_rise_of_any_block_m']:.1f} mm",
            f"- lowest corner: {1000 * facts['lowest_corner_m']:.2f} mm; share of states of blocks with a corner over "
            f"2 mm in the table: {100 * facts['corners_more_than_2_mm_below_the_table_share']:.2f} %",
            f"- outermost corner: {1000 * facts['outermost_corner_m']:.1f} mm from the middle (the walls stand at "
            "225 mm)",
            f"- settling cut off at its time limit: {cut['times']} times, with {cut['blocks_still_moving']} blocks in "
            f"all still moving, the fastest at {1000 * cut['fastest_m_per_s']:.0f} mm/s",
            f"- drift in a further second with all blocks awake: median {1000 * drift['median']:.2f} mm, more than "
            f"3 mm for {100 * drift['share_above_3_mm']:.1f} % of blocks, largest {1000 * drift['largest']:.1f} mm",
        ]
    )


def speed_table(facts: Facts) -> str:
    """What a processor second gives in each engine, and how two workers compare with one."""
    engines = list(facts["scenes"])
    lines = [f"| in a second of one core | {' | '.join(ENGINE_TITLES[engine] for engine in engines)} | ratio |"]
    lines.append("|---|" + "---|" * (len(engines) + 1))
    for name, words in (
        ("attempts_random", "attempts of chance"),
        ("attempts_scripted", "attempts of the scripted picker"),
        ("scenes", "unlabelled scenes"),
        ("bin_attempts_random", "`bin`: attempts of chance, pictures included"),
        ("bin_attempts_person", "`bin`: attempts of the person's stand-in"),
        ("bin_scenes", "`bin`: unlabelled scenes"),
    ):
        if name not in facts:
            continue
        rates = {engine: row["per_core_second"] for engine, row in facts[name].items()}
        ratio = f"{rates[engines[0]] / rates[engines[-1]]:.2f}" if len(rates) > 1 else ""
        lines.append(f"| {words} | {' | '.join(str(rates.get(engine, '')) for engine in engines)} | {ratio} |")
    heightmaps = [f"{pixels} px in {value} ms" for pixels, value in facts["heightmap_ms"].items()]
    return "\n".join([*lines, "", f"A heightmap of 50 blocks: {', '.join(heightmaps)}."])


def demo_table(facts: Facts) -> str:
    """Rates of the demo's models in both engines, and whether their order is the same."""
    engines = list(facts["engines"])
    tests = {"one_shot": "one-shot", "episodes": "in episodes"}
    columns = [(test, engine) for test in tests for engine in engines]
    lines = [f"| model | {' | '.join(f'{ENGINE_TITLES[engine]}, {tests[test]}' for test, engine in columns)} |"]
    lines.append("|---|" + "---|" * len(columns))
    for model, title in facts["models"].items():
        cells = [_rate(facts["engines"][engine][test].get(model)) for test, engine in columns]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    sentences = []
    for test, words in tests.items():
        order = facts["order"][test]
        sentences.append(
            f"{words.capitalize()}, the rates of {order['same_order']} of {order['pairs']} pairs of models stand in "
            f"the same order in both engines; where the intervals lie apart in both, in {order['told_apart']} pairs, "
            f"{order['other_order']} stand in the other"
        )
    return "\n".join([*lines, "", f"95 % bootstrap intervals over scenes or episodes. {'. '.join(sentences)}."])


def _rate(values: Facts | None) -> str:
    if values is None:
        return ""
    low, high = values["bootstrap_95"]
    return f"{100 * values['success_rate']:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


TABLES = {
    "rates": ("simulator_rates.json", rates_table),
    "one-shot": ("simulator_one_shot.json", one_shot_table),
    "stability": ("simulator_stability.json", stability_list),
    "speed": ("simulator.json", speed_table),
    "demo": ("demo_engines.json", demo_table),
}
"""Marker -> result file and what is made of it."""


def with_numbers(page: str) -> str:
    """The page with every table renewed from its file."""
    for name, (file, make) in TABLES.items():
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        before, _, rest = page.partition(begin)
        _, found, after = rest.partition(end)
        assert found, f"{PAGE} has no markers {begin} and {end}"
        page = f"{before}{begin}\n{make(read_json(RESULTS / file))}\n{end}{after}"
    return page


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    write_text(PAGE, with_numbers(PAGE.read_text(encoding="utf-8")))

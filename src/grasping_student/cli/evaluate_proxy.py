"""``grasping-student evaluate proxy``: share of grasps that an affordance network takes for successes."""

from __future__ import annotations

from collections.abc import Sequence

from grasping_student.cli.stage import say, stage_main
from grasping_student.evaluation.proxy_configuration import PROXY_PRESETS, ProxyConfig


def main(argv: Sequence[str]) -> None:
    """Parse the options, evaluate and print the rates."""
    stage_main("evaluate proxy", PROXY_PRESETS, _run, argv)


def _run(config: ProxyConfig) -> None:
    from grasping_student.evaluation.formatting import interval, percent
    from grasping_student.evaluation.proxy import METRICS, run
    from grasping_student.pipeline.files import read_json

    out = run(config)
    metrics = read_json(out / METRICS)
    print(f"{'model':<20}{'successes':>11}{'scenes':>8}{'proxy':>9}  95 % over episodes  moving average")
    for name, row in metrics["models"].items():
        print(
            f"{name:<20}{row['successes']:>11}{row['attempts']:>8}{percent(row['success_rate']):>9}  "
            f"{interval(row['bootstrap_95']):<19} {percent(row['average'])} of {len(row['rounds'])} rounds"
        )
    say(f"written to {out}")

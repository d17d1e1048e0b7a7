"""Version of the code behind each kind of stage, raised by hand when a change makes its results others.

A result keeps the version that made it; one of another version is outdated (``--on-version-mismatch``). Whether a
version must be raised is no guess: ``grasping-student experiment rerun`` repeats a row and compares its numbers.
"""

from __future__ import annotations

STAGE_VERSIONS = {
    "dataset": "3c72a7aba28f",
    "merged": "582d6fd2e68f",
    "teacher": "2e89ff1cea43",
    "affordance": "2e89ff1cea43",
    "judge": "2e89ff1cea43",
    "pretraining": "2e89ff1cea43",
    "table": "35a1263ebcaf",
    "student": "c51c4091db0c",
    "proxy": "271066a28da2",
    "entropy": "33e4074fde67",
    "one_shot": "015956aae324",
    "picking": "26b2a7078350",
    "relabelling": "003e8e79bb10",
    "precision": "96a47b7e48a9",
}
"""Kind of stage -> version."""


def code_version(kind: str) -> str:
    """Version of the code behind a kind of stage; empty for a kind that this code does not know."""
    return STAGE_VERSIONS.get(kind, "")

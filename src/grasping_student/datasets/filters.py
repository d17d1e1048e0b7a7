"""Which attempts are meant, as plain arguments turned into SQL."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from grasping_student.datasets.schema import SOURCES
from grasping_student.pipeline.configuration import choice


@dataclass(frozen=True)
class AttemptFilter:
    """Attempts that meet every condition given; None asks nothing."""

    source: str | None = None
    success: bool | None = None
    labelled: bool | None = None
    episodes: Collection[int] | None = None
    outcome: str | None = None

    def sql(self) -> tuple[str, list[Any]]:
        """A WHERE clause and its values.

        Raises:
            UserError: unknown source.
        """
        conditions: list[str] = []
        values: list[Any] = []
        if self.source is not None:
            conditions.append("source = ?")
            values.append(choice(self.source, SOURCES, "source"))
        if self.success is not None:
            conditions.append("success = ?")
            values.append(int(self.success))
        if self.labelled is not None:
            conditions.append("success IS NOT NULL" if self.labelled else "success IS NULL")
        if self.episodes is not None:
            conditions.append("episode IN (SELECT value FROM json_each(?))")
            values.append(json.dumps([int(episode) for episode in self.episodes]))
        if self.outcome is not None:
            conditions.append("outcome = ?")
            values.append(self.outcome)
        return (" WHERE " + " AND ".join(conditions) if conditions else ""), values

"""Reference runs: rows that an experiment's tables take from another experiment, which measured on the same scenes."""

from __future__ import annotations

import pandas as pd

from grasping_student.study.design import ReferenceRuns
from grasping_student.study.run_store import KEY


def with_reference(own: pd.DataFrame, other: pd.DataFrame, reference: ReferenceRuns) -> pd.DataFrame:
    """An experiment's rows, with what another measured of the same models, and the other's rows of its conditions.

    Args:
        own: the experiment's rows.
        other: rows of the other experiment.
        reference: which of its conditions and measures.
    """
    if own.empty or other.empty:
        return own
    keys, trial = list(KEY), ["domain", "level", "replicate"]
    own_runs = own.drop_duplicates(keys)
    shared = other[other["measure"].isin(reference.measures)].merge(own_runs[[*keys, "model"]], on=[*keys, "model"])
    measured = pd.MultiIndex.from_frame(own[[*keys, "measure"]])
    shared = shared[~pd.MultiIndex.from_frame(shared[[*keys, "measure"]]).isin(measured)]
    there = own_runs[trial].assign(level=reference.level or own_runs["level"]).drop_duplicates()
    referenced = other[other["condition"].isin(reference.conditions) & other["measure"].isin(own["measure"].unique())]
    referenced = referenced.merge(there, on=trial)
    referenced = referenced[~pd.MultiIndex.from_frame(referenced[keys]).isin(pd.MultiIndex.from_frame(own_runs[keys]))]
    return pd.concat([own, shared, referenced], ignore_index=True)

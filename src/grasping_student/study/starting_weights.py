"""Whether the weights that a preset's encoders start from can be had, asked before hours are spent on data."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator

from grasping_student.pipeline.errors import UserError
from grasping_student.study.configuration import Sizes

WITHOUT = "--sizes.network.encoder-weights none --sizes.affordance-network.encoder-weights none"


def check_starting_weights(sizes: Sizes) -> None:
    """Make each network once whose encoder starts from weights of others.

    Raises:
        UserError: they are not on this machine and cannot be fetched.
    """
    from grasping_student.models.networks import build_network

    for network in dict.fromkeys((sizes.network, sizes.affordance_network)):
        if network.encoder_weights == "none":
            continue
        try:
            with _quiet():
                build_network(network)
        except UserError as error:
            cause = error.__cause__ or error
            raise UserError(
                f"{network.name} starts from '{network.encoder_weights}' weights, which are not on this machine and "
                f"cannot be fetched ({type(cause).__name__}: {str(cause).splitlines()[0]}); run this once where their "
                f"host can be reached, or start from random weights, which is not the paper's: {WITHOUT}"
            ) from None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Nothing of the attempts of the libraries below: one message says all."""
    logger = logging.getLogger("huggingface_hub")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        said = io.StringIO()
        with warnings.catch_warnings(), contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)

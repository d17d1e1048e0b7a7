"""Weights that cannot be had stop an experiment before it begins, with one message; random ones ask for nothing."""

import sys

import pytest

from grasping_student.models import networks
from grasping_student.pipeline.errors import UserError
from grasping_student.study.configuration import light, paper
from grasping_student.study.starting_weights import check_starting_weights


def test_weights_that_cannot_be_had_are_one_message_with_the_way_out(monkeypatch, capfd):
    def no_connection(config):
        print("trying a host")
        print("retrying", file=sys.stderr)
        raise UserError("cannot be made") from OSError("no route to host")

    monkeypatch.setattr(networks, "build_network", no_connection)
    with pytest.raises(UserError, match=r"fpn-resnet50 starts from 'imagenet'.*no route to host.*encoder-weights none"):
        check_starting_weights(paper().sizes)
    assert "".join(capfd.readouterr()) == ""


def test_random_weights_ask_for_nothing(monkeypatch):
    monkeypatch.setattr(networks, "build_network", lambda config: pytest.fail("a network was made"))
    check_starting_weights(light().sizes)

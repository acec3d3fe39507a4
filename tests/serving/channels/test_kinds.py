"""Kinds of channels are found by being there, like kinds of sinks."""

import dataclasses

import pytest

from crm.errors import WrongUse
from serving.channels.kinds import CHANNELS
from serving.kinds import Kind

KINDS = CHANNELS.names()
_MAY_BE = {"str", "str | None", "int | None", "bool"}


def test_the_kinds_are_there():
    assert KINDS == ["slack", "smtp", "teams"]


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_says_what_may_be_set(name):
    kind = CHANNELS.called(name, "kind")
    assert isinstance(kind, Kind)
    for field in dataclasses.fields(kind.settings):
        assert field.type in _MAY_BE
        assert field.name != "kind"
        assert f":param {field.name}:" in kind.settings.__doc__


def test_an_unknown_kind_is_refused_with_those_that_there_are():
    for name in ("pigeon", "webhooks", "../smtp"):
        with pytest.raises(WrongUse, match=f"there is no kind of channel called '{name}'") as refused:
            CHANNELS.called(name, "[channels.x] kind")
        assert refused.value.expected == "slack or smtp or teams"

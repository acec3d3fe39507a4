"""Kinds of sinks are found by being there, and only the one that is asked for is loaded."""

import dataclasses
import subprocess
import sys

import pytest

from crm.errors import WrongUse
from serving.kinds import Kind
from serving.sinks.kinds import SINKS, kind_called
from serving.writeback.fields import FIELDS

KINDS = SINKS.names()
_MAY_BE = {"str", "str | None", "int", "int | None", "float", "float | None", "bool", "date", "date | None"}


def test_the_kinds_are_there():
    assert {"file", "sql"} <= set(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_says_what_may_be_set_and_how(name):
    kind = kind_called(name, "kind")
    assert isinstance(kind, Kind)
    assert kind.settings.__doc__
    for field in dataclasses.fields(kind.settings):
        assert field.type in _MAY_BE
        assert field.name not in ("kind", "most"), "what all sinks have"
        assert f"{field.name}" in kind.settings.__doc__


def test_an_unknown_kind_is_refused_with_those_that_there_are():
    for name in ("oracle", "files", "sink", "../sql"):
        with pytest.raises(WrongUse, match=f"there is no kind of sink called '{name}'") as refused:
            kind_called(name, "[sinks.x] kind")
        assert set(refused.value.expected.split(" or ")) == set(KINDS)


def test_a_kind_does_not_load_the_libraries_of_others():
    script = (
        "import sys; from serving.sinks.kinds import kind_called; kind_called('file', '');"
        "print([name for name in ('simple_salesforce', 'hubspot') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["file", "sql"])
def test_what_is_to_be_created_names_every_field(name, tmp_path):
    kind = kind_called(name, "kind")
    settings = {"file": {"path": "x.csv"}, "sql": {"url": f"sqlite:///{tmp_path / 'x.db'}"}}[name]
    text = kind.open("x", kind.settings(**settings), {}).definitions()
    assert [field.name for field in FIELDS if field.name not in text or field.meaning not in text] == []

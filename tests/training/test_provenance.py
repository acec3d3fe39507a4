"""Where a model comes from: equal code and words, equal hashes; anything else, others."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from features.feature import Vocabulary
from training.provenance import ROOT, code_hash, dealcast_version, vocabulary_hash


def code(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path = path.with_name(f"{path.name}.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_the_version_is_the_checkouts_and_without_one_the_installed_packages(tmp_path: Path) -> None:
    assert dealcast_version() == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert dealcast_version(tmp_path) == version("dealcast")


def test_code_that_makes_models_changes_the_hash_and_nothing_else_does(tmp_path: Path) -> None:
    first = code_hash(code(tmp_path / "a", crm__x="1", training__models__y="2"))
    assert code_hash(code(tmp_path / "b", crm__x="1", training__models__y="2", pipelines__z="3")) == first
    assert code_hash(code(tmp_path / "c", crm__x="1", training__models__y="3")) != first
    assert code_hash(code(tmp_path / "d", crm__w="1", training__models__y="2")) != first
    assert code_hash(code(tmp_path / "e", crm__x="1", training__models__y="2", features__v="")) != first


def test_other_words_are_another_vocabulary() -> None:
    words = Vocabulary(kinds=("offer",))
    assert vocabulary_hash(words) == vocabulary_hash(Vocabulary(kinds=("offer",)))
    assert vocabulary_hash(words) != vocabulary_hash(replace(words, kinds=("pilot",)))

"""Where a model comes from without asking git: the version and the code that made it, and the words it knows."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path

from features.feature import Vocabulary

ROOT = Path(__file__).resolve().parents[1]
MAKES_MODELS = ("crm", "features", "training")
"""The packages whose code decides what a model becomes."""


def provenance(vocabulary: Vocabulary) -> dict[str, str]:
    """Version of Dealcast, SHA-256 of the code that makes models, SHA-256 of a company's vocabulary."""
    return {"version": dealcast_version(), "code": code_hash(), "vocabulary": vocabulary_hash(vocabulary)}


@cache
def dealcast_version(root: Path = ROOT) -> str:
    """The version of the checkout that the code lies in, else of the installed package."""
    project = root / "pyproject.toml"
    if project.is_file():
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
    return version("dealcast")


@cache
def code_hash(root: Path = ROOT) -> str:
    """SHA-256 over the Python files of the packages that make models: equal code, equal hash, wherever it lies."""
    digest = hashlib.sha256()
    for path in sorted(path for package in MAKES_MODELS for path in (root / package).rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def vocabulary_hash(vocabulary: Vocabulary) -> str:
    """SHA-256 of a vocabulary: two models with the same one ask the same features of a company."""
    text = json.dumps(asdict(vocabulary), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()

"""MLflow's registry: versions of the deal model, and the aliases that move between them.

The product's store says who is champion; what stands here follows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import mlflow
from mlflow.exceptions import MlflowException

from training.settings import Tracking
from training.tracking import MODEL_NAME, reached

CHAMPION = "champion"
CHALLENGER = "challenger"
_NONE_SUCH = "RESOURCE_DOES_NOT_EXIST"


@dataclass(frozen=True)
class Standing:
    """How the registry should stand: the version of each alias (None: of none), and tags by version."""

    aliases: Mapping[str, str | None]
    tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Move:
    """An alias that was moved; None stands for no version."""

    alias: str
    before: str | None
    after: str | None


def align(tracking: Tracking, wanted: Standing) -> tuple[Move, ...]:
    """Change what does not stand as wanted, aliases last; answers which of them were moved.

    What was interrupted is taken up by the next call. Raises DealcastError where MLflow cannot be reached or has
    no such version.
    """
    with reached(tracking):
        client = _client(tracking)
        for version in client.search_model_versions(f"name = '{MODEL_NAME}'"):
            for key, value in wanted.tags.get(str(version.version), {}).items():
                if version.tags.get(key) != value:
                    client.set_model_version_tag(MODEL_NAME, str(version.version), key, value)
        now = _aliases(client)
        moves = [Move(a, now.get(a), to) for a, to in wanted.aliases.items() if now.get(a) != to]
        for move in moves:
            if move.after is None:
                client.delete_registered_model_alias(MODEL_NAME, move.alias)
            else:
                client.set_registered_model_alias(MODEL_NAME, move.alias, move.after)
        return tuple(moves)


def aliases(tracking: Tracking) -> Mapping[str, str]:
    """The version of each alias; none before the first training. Raises DealcastError where MLflow is not reached."""
    with reached(tracking):
        return _aliases(_client(tracking))


def _aliases(client: mlflow.MlflowClient) -> Mapping[str, str]:
    try:
        found = client.get_registered_model(MODEL_NAME).aliases
    except MlflowException as error:
        if error.error_code != _NONE_SUCH:
            raise
        return {}
    return {alias: str(version) for alias, version in found.items()}


def _client(tracking: Tracking) -> mlflow.MlflowClient:
    return mlflow.MlflowClient(tracking_uri=tracking.uri, registry_uri=tracking.uri)

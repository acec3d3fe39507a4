"""MLflow's registry: versions of the deal model, and the alias `champion` that moves between them."""

from __future__ import annotations

import mlflow
from mlflow.exceptions import MlflowException

from training.settings import Tracking
from training.tracking import MODEL_NAME, reached

CHAMPION = "champion"
CHALLENGER = "challenger"
_NONE_SUCH = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")  # no such model, no such alias


def point(tracking: Tracking, alias: str, version: str) -> None:
    """Let an alias stand for a version. Raises DealcastError where MLflow cannot be reached or has no such version."""
    with reached(tracking):
        _client(tracking).set_registered_model_alias(MODEL_NAME, alias, version)


def version_of(tracking: Tracking, alias: str) -> str | None:
    """The version that an alias stands for; None where there is none.

    Raises DealcastError where MLflow cannot be reached.
    """
    with reached(tracking):
        try:
            return str(_client(tracking).get_model_version_by_alias(MODEL_NAME, alias).version)
        except MlflowException as error:
            if error.error_code in _NONE_SUCH:
                return None
            raise


def _client(tracking: Tracking) -> mlflow.MlflowClient:
    return mlflow.MlflowClient(tracking_uri=tracking.uri, registry_uri=tracking.uri)

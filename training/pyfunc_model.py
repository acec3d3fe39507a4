"""The deal model as MLflow's models-from-code file, for those who serve it with MLflow's own tools.

Dealcast's scoring never loads it: it reads its own copy whose SHA-256 it has checked.
"""

from __future__ import annotations

from pathlib import Path

import mlflow.models
import pandas as pd
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from training.deal_model import load


class DealModelFunction(PythonModel):
    """Features of snapshots in, win probability and stall risk out."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the files after comparing their SHA-256."""
        self.model = load(Path(context.artifacts["deal_model"]), context.model_config["sha256"])

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame,
        params: dict[str, object] | None = None,
    ) -> pd.DataFrame:
        """One row a snapshot: win_probability, stall_risk."""
        del context, params
        answers = self.model.answer(model_input)
        return pd.DataFrame({"win_probability": answers.win, "stall_risk": answers.stall})


mlflow.models.set_model(DealModelFunction())

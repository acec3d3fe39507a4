"""What may be set about training: trees, gate, tracking. Plain data, cheap to import."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class BoostingSettings:
    """Shape and strength of the trees, the same for all models unless a caller says otherwise, and of the line.

    :param line_strength: scikit-learn's C, where each deal weighs 1: the larger, the less is drawn to 0.
    """

    learning_rate: float = 0.05
    num_leaves: int = 8
    min_data_in_leaf: int = 100
    feature_fraction: float = 0.5
    lambda_l2: float = 10.0
    line_strength: float = 0.01
    max_bin: int = 127
    most_rounds: int = 400
    patience: int = 25
    seed: int = 7


@dataclass(frozen=True)
class Thresholds:
    """What the checks ask for; settable in the configuration under [gate].

    :param least_closed: closed deals, and :param least_each: of each outcome (below: small-data mode).
    :param worst_slope: calibration slope's lower bound; its reciprocal is the upper one.
    :param worst_calibration_error: expected calibration error that is always accepted; also how far promised
        and kept share may lie apart on the whole, beyond what chance explains.
    :param worst_segment_gap: promised against kept share in a stage, beyond what chance explains.
    :param suspicious_auc: above it a leak is assumed until shown otherwise.
    """

    least_closed: int = 200
    least_each: int = 40
    worst_slope: float = 0.67
    worst_calibration_error: float = 0.05
    worst_segment_gap: float = 0.1
    suspicious_auc: float = 0.985


@dataclass(frozen=True)
class RetrainWishes:
    """When `dealcast train --if-due` trains; settable in the configuration under [retrain].

    :param max_age_days: the champion's data may end so many days before today's.
    :param worst_rise: log loss above what the champion promised, beyond chance, that is still accepted.
    :param worst_drift: population stability index, of the scores or of a feature, above which they have drifted.
    :param drifted_share: the share of the features that may have drifted.
    :param retry_days: after a training that did not pass the gate, so many days' data are waited for.
    """

    max_age_days: int = 30
    worst_rise: float = 0.01
    worst_drift: float = 0.25
    drifted_share: float = 0.1
    retry_days: int = 7


@dataclass(frozen=True)
class TuningWishes:
    """How `dealcast train --tune` searches; settable in the configuration under [tuning].

    :param trials: settings to try, the defaults among them.
    """

    trials: int = 30


@dataclass(frozen=True)
class Tracking:
    """Where runs go: MLflow's tracking URI and, for a store of one's own, the folder for artifacts."""

    uri: str
    artifacts: Path | None = None

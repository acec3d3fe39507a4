"""Do the probabilities keep their promise on later dates?"""

import math

from training.gate import Evidence, Finding, Outcome
from training.scores import mean_interval


def check(evidence: Evidence) -> Finding:
    """Passed where the calibration error is small, or what is off on the whole and in spread may be chance."""
    name = "calibrated"
    win, judged = evidence.win, evidence.judged
    if win is None or judged is None:
        return Finding(name, Outcome.NOT_APPLICABLE, "No later deals to judge by.")
    error, accepted = win.model.calibration_error, evidence.thresholds.worst_calibration_error
    gap = mean_interval(judged.probabilities["model"] - judged.y, judged.weight, judged.deal)
    as_many = gap.low <= accepted and gap.high >= -accepted
    slope, low, high = win.slope
    worst = evidence.thresholds.worst_slope
    as_far_apart = math.isnan(slope) or (high >= worst and low <= 1 / worst)
    good = error <= accepted or (as_many and as_far_apart)
    spread = "all alike" if math.isnan(slope) else f"slope {slope:.2f} ({low:.2f} to {high:.2f})"
    says = f"Promised {win.model.mean:.0%}, kept {win.kept:.0%}; {spread}, expected calibration error {error:.3f}."
    return Finding(name, Outcome.PASSED if good else Outcome.FAILED, says)

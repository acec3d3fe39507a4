"""Is the challenger at least as good as the champion on dates that neither has learned from?"""

import numpy as np

from training.gate import Evidence, Finding, Outcome
from training.scores import log_losses, mean_interval

LEAST_DEALS = 50


def check(evidence: Evidence) -> Finding:
    """Failed only where the champion is better beyond chance."""
    name = "not worse than the champion"
    if evidence.champion is None or evidence.judged is None:
        return Finding(name, Outcome.NOT_APPLICABLE, "There is no champion to compare with.")
    judged, both = evidence.judged, ~np.isnan(evidence.champion)
    if len(np.unique(judged.deal[both])) < LEAST_DEALS:
        says = f"Fewer than {LEAST_DEALS} deals have closed since the champion was trained."
        return Finding(name, Outcome.NOT_APPLICABLE, says)
    y = judged.y[both]
    saved = mean_interval(
        log_losses(y, evidence.champion[both]) - log_losses(y, judged.probabilities["model"][both]),
        judged.weight[both],
        judged.deal[both],
    )
    outcome = Outcome.FAILED if saved.high < 0 else Outcome.PASSED
    return Finding(name, outcome, f"Log loss saved against the champion {saved}.")

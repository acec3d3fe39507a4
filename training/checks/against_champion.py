"""Is the challenger's recipe as good as the champion's, both from what was known then, on dates that came later?"""

import numpy as np

from training.gate import Evidence, Finding, Outcome
from training.scores import log_losses, mean_interval

LEAST_DEALS = 50


def comparable(champion: np.ndarray, deal: np.ndarray) -> bool:
    """Whether enough deals have closed behind the champion's training; its probabilities, NaN before, shape (n,)."""
    return len(np.unique(deal[~np.isnan(champion)])) >= LEAST_DEALS


def check(evidence: Evidence) -> Finding:
    """Failed only where the champion is better beyond chance."""
    name = "not worse than the champion"
    if evidence.champion is None or evidence.judged is None:
        return Finding(name, Outcome.NOT_APPLICABLE, "There is no champion to compare with.")
    judged, both = evidence.judged, ~np.isnan(evidence.champion)
    if not comparable(evidence.champion, judged.deal):
        says = f"Fewer than {LEAST_DEALS} deals have closed since the champion was trained."
        return Finding(name, Outcome.NOT_APPLICABLE, says)
    y, then = judged.y[both], evidence.challenger_then
    challenger = judged.probabilities["model"] if then is None else then
    saved = mean_interval(
        log_losses(y, evidence.champion[both]) - log_losses(y, challenger[both]),
        judged.weight[both],
        judged.deal[both],
    )
    outcome = Outcome.FAILED if saved.high < 0 else Outcome.PASSED
    return Finding(name, outcome, f"Log loss saved against the champion {saved}.")

"""Is the model better than the stage's own win rate?"""

from training.gate import Evidence, Finding, Outcome
from training.scores import log_losses, mean_interval


def check(evidence: Evidence) -> Finding:
    """Passed where the log loss saved against stage win rates exceeds chance."""
    name = "better than stage win rates"
    judged = evidence.judged
    if judged is None or evidence.win is None:
        return Finding(name, Outcome.NOT_APPLICABLE, "No later deals to judge by.")
    if all(stage is None for stage in judged.stage):
        return Finding(name, Outcome.NOT_APPLICABLE, "The stage has no recorded history.")
    saved = mean_interval(
        log_losses(judged.y, judged.probabilities["stage win rates"])
        - log_losses(judged.y, judged.probabilities["model"]),
        judged.weight,
        judged.deal,
    )
    outcome = Outcome.PASSED if saved.low > 0 else Outcome.FAILED
    return Finding(name, outcome, f"Log loss saved against stage win rates {saved}.")

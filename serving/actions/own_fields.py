"""To have a yes where a company's own column asks for one: those that it has declared as a flag and actionable."""

from __future__ import annotations

from features.feature import OwnField, Vocabulary
from serving.actions.action import Action, OpenDeals, Rows, some
from serving.actions.changes import can_change, changed


def declare(vocabulary: Vocabulary) -> tuple[Action, ...]:
    """One for each such column."""
    return tuple(_set(field) for field in vocabulary.fields if field.kind == "flag" and field.actionable)


def _set(field: OwnField) -> Action:
    feature = f"field:{field.name}:value"
    is_set = some(feature)
    label = field.label.replace("{", "{{").replace("}", "}}")  # any text, and this is a template

    def adds(deals: OpenDeals) -> Rows:
        return changed(deals, field.name, "true")

    return Action(
        f"field:{field.name}",
        f"field:{field.name}",
        (feature,),
        is_set,
        lambda deals: (is_set(deals.features) == 0) & can_change(deals, field.name),
        adds,
        brief=f"{label[:1].upper()}{label[1:]}: yes",
        fact=f"{label[:1].upper()}{label[1:]} is not set to yes.",
        change="Set to yes",
        had="where it was set by then",
        had_not="where it was not",
    )

"""The reference page of the features, written from the catalogue.

``python -m features.features_reference`` prints the page; with the name of a file it writes it there, as
`make docs` does for ``docs/features.md``.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from functools import partial

from crm.tables_reference import grid, print_or_write
from features.catalogue import Catalogue, catalogue
from features.families.account_segments import ACCOUNT_FIELDS
from features.families.confidence import KEY_FIELDS
from features.families.segment import SEGMENT_FIELDS
from features.feature import Family, Feature, OwnField, StreamSource, Unit, Vocabulary
from features.questions import formula

EXAMPLE = Vocabulary(
    kinds=("site visit",),
    deeds=("site visit",),
    segments=SEGMENT_FIELDS,
    account_fields=ACCOUNT_FIELDS,
    key_fields=KEY_FIELDS,
    fields=(
        OwnField("Competitor__c", "category", "main competitor", levels=("Acme",)),
        OwnField("Seats__c", "number", "number of seats"),
        OwnField("Trial_ends__c", "date", "trial's end"),
        OwnField("Security_review__c", "flag", "security review"),
        OwnField("Notes__c", "text", "manager's note"),
    ),
)
"""A company that has every table, activities of a kind of its own, and a column of its own of each kind."""

_INTRODUCTION = """\
# The features

<!-- Written from features/families/ by `make docs`. Edit those files, not this one. -->

What Dealcast knows of a deal at a date: here {count} features in {families} families, those of a company that has every
table, one activity kind of its own (site visit) and five columns of its own, which `dealcast.toml` declares
([how](your-data.md)). Each is declared once; the computation, this page, the reasons that people read and the checks
all follow from the declaration.

Each feature is a question asked of a *stream*: the events of one deal, owner, account, segment or the whole company,
sorted by when they became known. A question sees what was known at the date, and cannot see past it. Where a table is
absent its features are absent, and `dealcast check` says which and why.

How to read "computed as": `count(replies where inbound, 30 d)` counts the events of the stream `replies` that match
`inbound` and became known in the last 30 days; `since(…)` is days since the last such event; `last(…)` its value;
`max(…)` the largest value so far; "this period" begins with the fiscal period; `a or b` is b where a is not known;
`least(…)` and `most(…)` look at what is known; a division by nothing is not known. Rates are *shrunken*: the rate of
all deals counts as so many more observations, so that few deals say little.

"Can act" marks what a rep can do something about. "Practice" is what won deals had done by then that lost deals had
not, if they had ([how the playbook finds out](playbook.md)); "volume" marks how much was done, which is never
advised. Features of one group make one reason.\
"""


def page(known: Catalogue | None = None) -> str:
    """The whole page in Markdown: a section a family, then the streams."""
    known = known or catalogue(EXAMPLE)
    families: dict[str, list[Family]] = {}
    for family in known.families:
        if family.features:
            families.setdefault(family.name, []).append(family)
    head = _INTRODUCTION.format(count=len(known.features), families=len(families))
    return "\n\n".join([head, *(_section(*one) for one in sorted(families.items())), _streams(known)]) + "\n"


def _section(name: str, files: list[Family]) -> str:
    parts = [f"## {name}"]
    for family in files:
        parts += [family.told, grid(_HEAD, map(_cells, family.features))]
    return "\n\n".join(parts)


_HEAD = ["feature", "unit", "meaning", "computed as", "group", "can act", "practice", "as people read it"]


def _cells(feature: Feature) -> list[str]:
    unit = feature.noun[1].split(" ")[0] if feature.unit is Unit.COUNT else feature.unit.value
    act = "yes" if feature.actionable else ""
    read = feature.wording.text.replace("{value}", "…")
    spoken = read[:1].upper() + read[1:]
    asked = f"`{formula(feature.ask)}`"
    return [f"`{feature.name}`", unit, feature.meaning, asked, feature.group, act, _practice(feature), spoken]


def _practice(feature: Feature) -> str:
    """What a rep can have done by then, "…" standing for the bounds that are tried; "volume" where it is no more."""
    done = feature.practice.done.replace("{bound}", "…") if feature.practice else ""
    return " · ".join(part for part in (done, "volume" if feature.volume else "") if part)


def _streams(known: Catalogue) -> str:
    rows = ([f"`{name}`", _whose(source), _what(source)] for name, source in sorted(known.streams.items()))
    return "## Streams\n\n" + grid(["stream", "whose events", "what an event is"], rows)


def _whose(source: StreamSource) -> str:
    return source.entity if isinstance(source.entity, str) else " × ".join(source.entity)


def _what(source: StreamSource) -> str:
    events = source.events.func if isinstance(source.events, partial) else source.events
    told = source.told or (inspect.getdoc(events) or "").split("\n\n")[0]
    return " ".join(told.split())


def main(arguments: Sequence[str]) -> None:
    """Print the page, or write it to the file named by the one argument."""
    print_or_write(page(), arguments)


if __name__ == "__main__":
    main(sys.argv[1:])

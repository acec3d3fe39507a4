"""A company's own columns of opportunities, as `dealcast.toml` declares them: each kind has its features."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from features.feature import Family, Feature, StreamSource, Vocabulary
from features.own_fields.categories import category
from features.own_fields.numbers import date, flag, number
from features.own_fields.texts import text
from features.own_fields.told import OfField, Told


def declare(vocabulary: Vocabulary) -> Family:
    """The family's streams and features: those of each declared column, by its kind."""
    streams: dict[str, StreamSource] = {}
    features: list[Feature] = []
    for field in vocabulary.fields:
        of_field = _KINDS[field.kind](Told(field))
        streams |= of_field.streams
        features += of_field.features
    return Family("own_fields", streams, tuple(features))


_KINDS: Mapping[str, Callable[[Told], OfField]] = {
    "category": category,
    "number": number,
    "money": number,
    "date": date,
    "flag": flag,
    "text": text,
}

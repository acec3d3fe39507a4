"""Webhooks: addresses that take a message from whoever knows them, so that each is a secret as a whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests

from crm.errors import WrongUse
from crm.loopback import is_loopback
from crm.patience import Patience
from serving.channels.channel import Channel, Fate, Outcome
from serving.channels.posting import PATIENCE, post
from serving.digest.cutting import Cut, fitted
from serving.digest.letter import Letter, Person
from serving.digest.links import is_link
from serving.kinds import Kind

DEFAULT = "default"

Message = Mapping[str, Any]


@dataclass(frozen=True)
class Product:
    """What takes messages at webhooks, and in which form.

    :param secret: the name of the secret that says who is reached by which webhook.
    :param form: a letter as the product takes it, and whose it is where others read it, too.
    :param fits: whether the product takes as much.
    :param words: what an answer says, apart from its status.
    """

    name: str
    secret: str
    form: Callable[[Cut, str], Message]
    fits: Callable[[Message], bool]
    words: Callable[[requests.Response], str]


@dataclass(frozen=True)
class WebhookChannel:
    """A channel of one product's webhooks."""

    name: str
    product: Product
    webhooks: Webhooks
    patience: Patience = PATIENCE

    @property
    def address(self) -> str:
        """Not more than which product it is."""
        return self.product.name

    def check(self) -> None:
        """:raises WrongUse: where no webhook is given."""
        if not self.webhooks.by_key:
            secret = f"DEALCAST_{self.product.secret}"
            raise WrongUse(
                "no webhook is given",
                where=f"[channels.{self.name}]",
                expected=f"{secret} in the environment, or a file named by {secret}_FILE, with lines id = https://…",
            )

    def reaches(self, person: Person) -> str | None:
        """Whether by a webhook of one's own or a shared one."""
        return self.webhooks.place(person)

    def send(self, letter: Letter, person: Person) -> Outcome:
        """Post the letter; it is sent once the product answers that it has it."""
        webhook = self.webhooks.of(person)
        if webhook is None:
            return Outcome(Fate.REFUSED, "no webhook")
        whom = person.name if self.webhooks.is_shared(person) else ""
        message = fitted(letter, lambda cut: self.product.form(cut, whom), self.product.fits)
        if message is None:
            return Outcome(Fate.REFUSED, f"too long for {self.product.name}")
        return post(webhook, message, self.product.words, self.patience)


@dataclass(frozen=True)
class Webhooks:
    """Who is reached by which webhook.

    :param by_key: by user id or, in small letters, e-mail address; `default` is for everybody else.
    """

    by_key: Mapping[str, str] = field(default_factory=dict, repr=False)

    def of(self, person: Person) -> str | None:
        """A person's own webhook, else that for everybody else."""
        return self._own(person) or self.by_key.get(DEFAULT)

    def place(self, person: Person) -> str | None:
        """What may be shown of it."""
        if self._own(person) is not None:
            return "own webhook"
        return "shared webhook" if DEFAULT in self.by_key else None

    def is_shared(self, person: Person) -> bool:
        """Whether others read there, too."""
        return self._own(person) is None

    def _own(self, person: Person) -> str | None:
        by_id = None if person.user_id == DEFAULT else self.by_key.get(person.user_id)
        return by_id or self.by_key.get((person.email or "").strip().lower() or "\0")


def webhooks_from(text: str | None, where: str) -> Webhooks:
    """What a secret says: a JSON object, or a line `id = address` each; `#` begins a remark.

    :raises WrongUse: for what is none; no address is ever shown.
    """
    if text is None:
        return Webhooks()
    pairs = _from_json(text, where) if text.lstrip().startswith("{") else _from_lines(text, where)
    found: dict[str, str] = {}
    for key, address in pairs:
        name = key.lower() if "@" in key else key
        if name in found:
            raise WrongUse(f"'{key}' is given twice", where=where, expected="one webhook a person")
        if not _is_webhook(address):
            raise WrongUse(f"what is given for '{key}' is no webhook", where=where, expected="an address with https://")
        found[name] = address
    return Webhooks(found)


def _from_json(text: str, where: str) -> Iterator[tuple[str, str]]:
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict) or not all(isinstance(address, str) for address in given.values()):
        raise WrongUse("not readable as JSON", where=where, expected='{"id": "https://…", …}') from None
    for key, address in given.items():
        yield key.strip(), address.strip()


def _from_lines(text: str, where: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        key, equals, address = (part.strip() for part in line.partition("="))
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not (key and equals and address) or "://" in key:
            raise WrongUse(f"line {number} is not readable", where=where, expected="id = https://…")
        yield key, address


def _is_webhook(address: str) -> bool:
    if not is_link(address):
        return False
    parts = urlsplit(address)
    return parts.scheme == "https" or is_loopback(parts.hostname)


def webhook_kind(product: Product, settings: type[Any]) -> Kind[Channel]:
    """The kind of channel that a product is."""

    def opened(name: str, _: object, secrets: Mapping[str, str]) -> WebhookChannel:
        webhooks = webhooks_from(secrets.get(product.secret), f"DEALCAST_{product.secret}")
        return WebhookChannel(name, product, webhooks)

    return Kind(settings, opened, (product.secret,))

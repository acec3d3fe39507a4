"""The messages that people were sent: one a person a day at most, claimed before it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from serving.database import Database, now
from serving.store_tables import MESSAGES


class Progress(StrEnum):
    """How far a message has come."""

    CLAIMED = "claimed"  # on its way, or its sender has died: it may have been delivered
    SENT = "sent"
    REFUSED = "refused"  # certainly not delivered: it may be tried again
    UNCLEAR = "unclear"  # it may have been delivered


class MessageStore(Database):
    """Who was sent what on which day."""

    def claim_message(self, message: Mapping[str, Any]) -> bool:
        """Take the one message that a person may have on a day (columns of MESSAGES but the last four and `author`).

        Whether it is ours: of several that ask at once one gets it, and what was refused can be claimed again.
        """
        row = {**message, "claimed_at": now(), "progress": Progress.CLAIMED, "said": ""}
        same = (MESSAGES.c.user_id == row["user_id"]) & (MESSAGES.c.day == row["day"])
        again = sa.update(MESSAGES).where(same, MESSAGES.c.progress == Progress.REFUSED).values(row)
        try:
            with self.transaction() as connection:
                if connection.execute(again).rowcount == 0:
                    connection.execute(sa.insert(MESSAGES), row)
        except sa.exc.IntegrityError:
            return False
        return True

    def mark_message(self, user_id: str, day: date, progress: Progress, said: str) -> None:
        """What became of a message that we have claimed."""
        ours = (MESSAGES.c.user_id == user_id) & (MESSAGES.c.day == day)
        with self.transaction() as connection:
            connection.execute(sa.update(MESSAGES).where(ours).values(progress=progress, said=said))

    def messages(self, day: date) -> dict[str, dict[str, Any]]:
        """The messages of a day by user id (columns of MESSAGES)."""
        query = sa.select(MESSAGES).where(MESSAGES.c.day == day).order_by(MESSAGES.c.user_id)
        with self.transaction() as connection:
            rows = connection.execute(query).mappings().all()
        return {row["user_id"]: dict(row) for row in rows}

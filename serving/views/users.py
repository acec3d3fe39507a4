"""The CRM's users, by whom rows can be told apart."""

from __future__ import annotations

from serving.store_tables import CRM_USERS
from serving.views.view import View, of

_U = CRM_USERS.c

VIEWS = (
    View(
        "bi_users",
        "A user of the CRM as of the newest scoring run.",
        ("user_id",),
        (
            of(_U.user_id, "The user, as `owner_id` of deals and `key` of forecasts name them."),
            of(_U.name, "The user's name."),
            of(_U.email, "The user's e-mail address, by which a BI tool can tell who is looking."),
            of(_U.manager_id, "Whom they report to."),
            of(_U.team, "Their team."),
            of(_U.region, "Their region."),
            of(_U.title, "Their title."),
            of(_U.active, "Whether they still are a user."),
            of(_U.as_of, "As of when that was so."),
        ),
        CRM_USERS,
    ),
)

"""Salesforce in a warehouse, as Fivetran, dlt and their like fill it: its objects under names in snake case.

`opportunity_history` is the object OpportunityHistory, or the versions of deals that Fivetran's history mode keeps;
its columns tell which.
"""

from collections.abc import Sequence
from dataclasses import replace

from crm.sources.intake import Intake
from crm.sources.mapping import SourceMapping
from crm.sources.reading import RawTable
from crm.sources.salesforce_cells import define_ids, keeps_versions
from crm.sources.salesforce_files import salesforce_text
from crm.sources.salesforce_versions import versions_text
from crm.sources.shape import Shape, ShapeTable, SourceFile
from crm.sources.typing_query import TextRelation

OBJECTS = {
    "opportunity": "Opportunity",
    "opportunity_history": "OpportunityHistory",
    "opportunity_field_history": "OpportunityFieldHistory",
    "task": "Task",
    "event": "Event",
    "opportunity_contact_role": "OpportunityContactRole",
    "account": "Account",
    "user": "User",
    "opportunity_stage": "OpportunityStage",
    "forecasting_quota": "Quota",
    "lead": "Lead",
}
VERSIONS = "versions"


def warehouse_text(intake: Intake, raw: RawTable, file: SourceFile, mapping: SourceMapping) -> TextRelation:
    """The table's rows as those of the object that it holds.

    :raises DataRefused: where the header lacks a field without which the object says nothing.
    """
    if file.told_as == VERSIONS:
        define_ids(intake.con)
        return versions_text(intake, raw, mapping)
    return salesforce_text(intake, raw, replace(file, source=OBJECTS[file.source]), mapping)


def _once(header: Sequence[str]) -> bool:
    return not keeps_versions(header)


SHAPE = Shape(
    "salesforce warehouse",
    (
        ShapeTable("opportunity", "opportunities"),
        ShapeTable("opportunity_history", "changes", _once),  # before the other histories: it is the better witness
        ShapeTable("opportunity_field_history", "changes"),
        ShapeTable("opportunity_history", "changes", keeps_versions, VERSIONS),
        ShapeTable("opportunity", "changes", keeps_versions, VERSIONS),
        ShapeTable("task", "activities"),
        ShapeTable("event", "activities"),
        ShapeTable("opportunity_contact_role", "contact_roles"),
        ShapeTable("account", "accounts"),
        ShapeTable("user", "users"),
        ShapeTable("opportunity_stage", "stages"),
        ShapeTable("forecasting_quota", "quotas"),
        ShapeTable("lead", "leads"),
    ),
    marks=("opportunity",),
    text=warehouse_text,
    named=("{}", "sf_{}", "{}_data", "sf_{}_data"),
    time_zone="UTC",
)

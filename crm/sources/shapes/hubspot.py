"""HubSpot's tables under Fivetran's names, which the mirror of HubSpot uses too."""

from crm.sources.hubspot.files import hubspot_text
from crm.sources.shape import Shape, ShapeTable

SHAPE = Shape(
    "hubspot",
    (
        *(
            ShapeTable(name)
            for name in (
                "deal",
                "deal_pipeline",
                "deal_pipeline_stage",
                "merged_deal",
                "deal_company",
                "engagement",
                "engagement_deal",
                "engagement_contact",
                "owner",
                "owner_team",
                "team",
            )
        ),
        ShapeTable("deal", "opportunities"),
        ShapeTable("deal_property_history", "changes"),  # before the stages alone: it is the better witness
        ShapeTable("deal_stage", "changes"),
        ShapeTable("engagement_call", "activities"),
        ShapeTable("engagement_email", "activities"),
        ShapeTable("engagement_meeting", "activities"),
        ShapeTable("engagement_task", "activities"),
        ShapeTable("engagement_note", "activities"),
        ShapeTable("engagement_communication", "activities"),
        ShapeTable("deal_contact", "contact_roles"),
        ShapeTable("company", "accounts"),
        ShapeTable("owner", "users"),
        ShapeTable("deal_pipeline_stage", "stages"),
    ),
    marks=("deal", "deal_pipeline_stage"),
    text=hubspot_text,
    named=("{}", "{}_data"),
    time_zone="UTC",
)

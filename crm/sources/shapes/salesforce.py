"""A Salesforce export: its objects under their API names."""

from crm.sources.salesforce_files import salesforce_text
from crm.sources.shape import Shape, ShapeTable

SHAPE = Shape(
    "salesforce",
    (
        ShapeTable("Opportunity", "opportunities"),
        ShapeTable("OpportunityHistory", "changes"),  # before the other history: it is the better witness
        ShapeTable("OpportunityFieldHistory", "changes"),
        ShapeTable("Task", "activities"),
        ShapeTable("Event", "activities"),
        ShapeTable("OpportunityContactRole", "contact_roles"),
        ShapeTable("Account", "accounts"),
        ShapeTable("User", "users"),
        ShapeTable("OpportunityStage", "stages"),
        ShapeTable("Quota", "quotas"),
        ShapeTable("Lead", "leads"),
    ),
    marks=("Opportunity",),
    text=salesforce_text,
    time_zone="UTC",
)

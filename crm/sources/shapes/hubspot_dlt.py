"""HubSpot's tables as dlt's verified source writes them; it fetches no engagements."""

from crm.sources.hubspot.files import hubspot_text
from crm.sources.shape import Shape, ShapeTable

SHAPE = Shape(
    "hubspot through dlt",
    (
        *(ShapeTable(name) for name in ("deals", "pipelines_deals", "pipelines_deals__stages", "companies__deals")),
        ShapeTable("owners"),
        ShapeTable("deals", "opportunities"),
        ShapeTable("deals_property_history", "changes"),
        ShapeTable("contacts__deals", "contact_roles"),
        ShapeTable("companies", "accounts"),
        ShapeTable("owners", "users"),
        ShapeTable("pipelines_deals__stages", "stages"),
    ),
    marks=("deals", "pipelines_deals", "pipelines_deals__stages"),
    text=hubspot_text,
    time_zone="UTC",
)

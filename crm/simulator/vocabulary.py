"""The words of the simulated company: its stages, products, places and names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """A stage of the sales process, with the percentage and the category that the CRM gives it."""

    name: str
    probability: int
    forecast_category: str


STAGES = (
    Stage("Prospecting", 10, "Pipeline"),
    Stage("Qualification", 20, "Pipeline"),
    Stage("Discovery", 40, "Pipeline"),
    Stage("Proposal", 60, "Best Case"),
    Stage("Negotiation", 80, "Commit"),
    Stage("Closed Won", 100, "Closed"),
    Stage("Closed Lost", 0, "Omitted"),
)
OPEN_STAGES = 5
CLOSED_WON, CLOSED_LOST = 5, 6

FORECAST_CATEGORIES = ("Pipeline", "Best Case", "Commit", "Closed", "Omitted")

TYPES = ("New Business", "Expansion", "Renewal")
SOURCES = ("Website", "Referral", "Partner", "Outbound", "Event", "Advertising", "Existing Customer")
PRODUCTS = ("Core Platform", "Analytics", "Integrations", "Services")

INDUSTRIES = (
    "Software",
    "Manufacturing",
    "Retail",
    "Financial Services",
    "Healthcare",
    "Logistics",
    "Education",
    "Public Sector",
)


@dataclass(frozen=True)
class Region:
    """A sales region: its offset from UTC in hours, its countries with what ends a company's name there."""

    name: str
    utc_offset: int
    countries: tuple[tuple[str, str], ...]


REGIONS = (
    Region(
        "Americas",
        -5,
        (("United States", "Inc."), ("Canada", "Ltd."), ("Mexico", "S.A."), ("Brazil", "Ltda.")),
    ),
    Region(
        "EMEA",
        1,
        (("United Kingdom", "Ltd"), ("Germany", "GmbH"), ("France", "SAS"), ("Sweden", "AB")),
    ),
    Region(
        "APAC",
        8,
        (("Australia", "Pty Ltd"), ("Singapore", "Pte Ltd"), ("Japan", "K.K."), ("India", "Pvt Ltd")),
    ),
)

FIRST_NAMES = (
    "Ada", "Amir", "Anika", "Ben", "Carla", "Chen", "Dana", "Diego", "Elif", "Emre", "Farah", "Femi",
    "Grace", "Hana", "Hugo", "Ines", "Ivan", "Jonas", "Julia", "Kai", "Kofi", "Lara", "Leo", "Lucía",
    "Maja", "Marco", "Mei", "Nadia", "Nils", "Noor", "Olga", "Omar", "Paula", "Priya", "Rafael", "Ruth",
    "Sanjay", "Sofia", "Tariq", "Tom", "Uma", "Victor", "Wanda", "Yara", "Yusuf", "Zoë",
)  # fmt: skip
LAST_NAMES = (
    "Abadi", "Ahlgren", "Baker", "Banerjee", "Castillo", "Clarke", "Dubois", "Eriksen", "Fischer", "Fofana",
    "Garcia", "Haddad", "Hughes", "Ito", "Jansen", "Kaya", "Keller", "Kimura", "Kowalski", "Larsson",
    "Lindgren", "Mbeki", "Meyer", "Moreau", "Nguyen", "Novak", "O'Brien", "Okafor", "Patel", "Pereira",
    "Quinn", "Rossi", "Sato", "Schmidt", "Silva", "Tanaka", "Torres", "Vogel", "Walsh", "Weber", "Young",
    "Zhang",
)  # fmt: skip
COMPANY_WORDS = (
    "Alder", "Amber", "Arbor", "Aspen", "Beacon", "Birch", "Bluewater", "Bright", "Cairn", "Cascade",
    "Cedar", "Clearview", "Copper", "Coral", "Crescent", "Delta", "Dune", "Eastgate", "Elm", "Ember",
    "Evergreen", "Falcon", "Fern", "Flint", "Garnet", "Granite", "Harbour", "Hazel", "Heron", "Highland",
    "Indigo", "Iron", "Juniper", "Kestrel", "Lakeside", "Lantern", "Larch", "Linden", "Maple", "Marble",
    "Meridian", "Millstone", "Moss", "Northfield", "Oak", "Onyx", "Opal", "Orchard", "Pine", "Pioneer",
    "Quarry", "Raven", "Redwood", "Ridge", "Saffron", "Silver", "Slate", "Sparrow", "Summit", "Thistle",
    "Tidewater", "Timber", "Umber", "Valley", "Vista", "Westbrook", "Willow", "Zephyr",
)  # fmt: skip
COMPANY_TRADES = {
    "Software": ("Software", "Labs", "Systems", "Data", "Cloud"),
    "Manufacturing": ("Works", "Industries", "Tools", "Components", "Machines"),
    "Retail": ("Stores", "Markets", "Outfitters", "Home", "Goods"),
    "Financial Services": ("Capital", "Bank", "Insurance", "Partners", "Trust"),
    "Healthcare": ("Health", "Clinics", "Medical", "Care", "Diagnostics"),
    "Logistics": ("Logistics", "Freight", "Shipping", "Transport", "Storage"),
    "Education": ("Academy", "College", "Learning", "Institute", "Schools"),
    "Public Sector": ("Council", "Utilities", "Agency", "Water", "Transit"),
}

ROLES = ("Champion", "Evaluator", "Decision Maker", "Influencer", "Economic Buyer", "Procurement", "Legal")

NEXT_STEPS = (
    ("Find the right contact", "Send introduction", "Call back next week"),
    ("Qualify budget and timing", "Book discovery call", "Confirm who decides"),
    ("Prepare demo", "Collect requirements", "Meet technical team"),
    ("Send proposal", "Walk through pricing", "Wait for feedback on proposal"),
    ("Agree on terms", "Contract with legal", "Get signature"),
)

COST_KINDS = ("Salaries", "Advertising", "Events", "Travel")

SUBJECTS = {
    ("email", "outbound"): ("Following up", "Next steps", "Some material", "Checking in", "Our last call"),
    ("email", "inbound"): ("Re: Next steps", "A question", "Re: Following up", "Details, please", "Our team"),
    ("call", "outbound"): ("Call", "Follow-up call", "Intro call", "Left a message"),
    ("call", "inbound"): ("Buyer called", "Call back"),
    ("meeting", "outbound"): ("Meeting", "Discovery meeting", "Review with the team", "Status meeting"),
    ("demo", "outbound"): ("Product demo", "Technical demo", "Demo for a wider group"),
    ("proposal", "outbound"): ("Proposal sent", "Revised proposal", "Quote"),
    ("task", "internal"): ("Update CRM", "Internal note", "Prepare account plan", "Review with manager"),
}

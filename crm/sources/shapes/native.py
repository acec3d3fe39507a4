"""The contract's own names, and columns mapped to them."""

from crm.sources.native_files import native_text
from crm.sources.shape import Shape, ShapeTable
from crm.tables import TABLES

SHAPE = Shape(
    "native",
    tuple(ShapeTable(table, table) for table in TABLES),
    marks=("opportunities",),
    text=native_text,
)

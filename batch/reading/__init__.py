"""Reading: files of every kind become tables of text, and tables become shipment columns by a profile.

    file ──contents──▶ text, workbook, html, archive ──grid──▶ Table ──profiles──▶ Profile ──shipments──▶ Shipments

`read_shipments` goes all the way for one file.
"""

from __future__ import annotations

from batch.reading.contents import read_tables
from batch.reading.explain import draft, explain, template
from batch.reading.files import read_shipments
from batch.reading.profiles import Profile, load_profiles, match, vocabulary
from batch.reading.shipments import Shipments, to_shipment_columns
from batch.reading.table import Kind, Limits, Source, Table, cell_address

__all__ = [
    "Kind",
    "Limits",
    "Profile",
    "Shipments",
    "Source",
    "Table",
    "cell_address",
    "draft",
    "explain",
    "load_profiles",
    "match",
    "read_shipments",
    "read_tables",
    "template",
    "to_shipment_columns",
    "vocabulary",
]

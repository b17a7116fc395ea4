from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from batch.errors import UnreadableFile
from batch.reading import draft, explain, load_profiles, match, template
from batch.reading.declaration import parse_profile
from tests.unit.reading.making import GOOD, HEADER, PROFILES, cells, table

if TYPE_CHECKING:
    from pathlib import Path


def test_explaining_says_what_each_column_became_with_samples(tmp_path: Path) -> None:
    one = table(tmp_path, f"{HEADER},Note\n" + "".join(f"{GOOD},n{number}\n" for number in range(5)))
    explained = explain(one, match(one, PROFILES))
    columns = {column.column: column for column in explained.columns}
    assert (columns["carrier"].header, columns["carrier"].letters) == ("carrier", "B")
    assert columns["carrier"].samples == ("Canada Post",)
    assert (columns["sku"].header, columns["sku"].samples) == ("", ())
    assert explained.own_columns == ("Note",)


def test_explaining_shows_constants(tmp_path: Path) -> None:
    one = table(tmp_path, "Package Ref No.1,Tracking No.,Collection Date\n1,2,2026-11-23\n")
    columns = {column.column: column for column in explain(one, match(one, PROFILES)).columns}
    assert (columns["carrier"].constant, columns["carrier"].header) == ("UPS", "")


def test_the_template_is_a_header_that_we_read(tmp_path: Path) -> None:
    one = table(tmp_path, template())
    assert match(one, PROFILES).name == "shipbatch"
    assert len(one.columns) == 12
    assert cells(one) == []


def test_a_draft_marks_its_guesses_and_can_be_used_at_once(tmp_path: Path) -> None:
    header = 'Notre "Commande" client,Suivi colis,Date d\'expédition,Messagerie,Couleur\\2'
    row = 'C-1,7035114477138472,"2026-11-23\n10:00",Canpar,rouge'
    one = table(
        tmp_path, f"{header}\n{row}\n".replace('Notre "Commande"', '"Notre ""Commande"" ').replace(" client", 'client"')
    )
    with pytest.raises(UnreadableFile):
        match(one, PROFILES)
    text = draft(one, "notre")
    assert 'tracking_number = ["Suivi colis"]  # GUESS: 7035114477138472' in text
    assert 'carrier = ["Messagerie"]  # by its name: Canpar' in text
    assert "# sku = " in text
    assert '# Headers not used: "Couleur\\\\2"' in text
    profile = parse_profile(text, "notre.toml", own=True)
    assert match(one, [profile]).name == "notre"


def test_a_drafts_further_parts_can_be_used_as_they_are(tmp_path: Path) -> None:
    text = draft(table(tmp_path, f"{HEADER},Status\n{GOOD},Void\n"))
    assert '# customer_order_id = ["..."]  # not found' in text  # the purchase order is there
    head, further = text.split("\n# What no column says")
    profile = parse_profile(head + re.sub("(?m)^# (?=\\[|[a-z]+ = )", "", f"\n# {further}"), "my.toml", own=True)
    assert profile.constants == {"carrier": "Canada Post"}
    assert profile.dates.order == "day-first"
    assert [skip.columns for skip in profile.skips] == [("Status",)]


def test_a_draft_says_what_is_missing(tmp_path: Path) -> None:
    text = draft(table(tmp_path, "Colour,Size\nred,L\n"))
    assert '# tracking_number = ["..."]  # MISSING' in text
    assert '# sku = ["..."]  # not found' in text
    assert text.startswith(f"# A draft for {tmp_path / 'file.csv'}.")
    assert load_profiles(None)

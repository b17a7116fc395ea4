from __future__ import annotations

import pytest

from batch.errors import SettingsError
from batch.reading.dates import DAY_FIRST
from batch.reading.declaration import parse_profile

GOOD = """
name = "mine"
title = "My carrier"
known_by = ["Colis"]
needs = ["purchase_order_id|customer_order_id", "tracking_number"]
[columns]
purchase_order_id = ["Commande", ["PO", "PO#"]]
tracking_number = ["Suivi"]
[instead.carrier]
values = ["Autre", ""]
headers = ["Nom du transporteur"]
[constants]
carrier = "Canada Post"
[values.carrier]
"postes  CANADA" = "Canada Post"
[dates]
order = "day-first"
formats = ["%d.%m.%Y"]
zone = "America/Vancouver"
midnight = "date"
absent = "now"
[[skip]]
columns = ["Annulé"]
values = ["Oui"]
reason = "Voided."
"""


def test_a_profile_says_all_that_it_knows() -> None:
    profile = parse_profile(GOOD, "mine.toml", own=True)
    assert (profile.name, profile.title, profile.own, profile.last) == ("mine", "My carrier", True, False)
    assert profile.columns["purchase_order_id"] == (("Commande",), ("PO", "PO#"))
    assert profile.needs == (("purchase_order_id", "customer_order_id"), ("tracking_number",))
    assert profile.values["carrier"] == {"postes canada": "Canada Post"}
    assert profile.instead["carrier"].values == {"autre", ""}
    assert profile.constants == {"carrier": "Canada Post"}
    assert (profile.dates.order, profile.dates.formats, profile.dates.midnight_is_date) == (
        DAY_FIRST,
        ("%d.%m.%Y",),
        True,
    )
    assert (profile.zone, profile.undated_is_now) == ("America/Vancouver", True)
    assert profile.skips[0].values == {"oui"}
    assert profile.headers == {"commande", "po", "po#", "suivi", "nomdutransporteur", "colis"}


def test_what_a_profile_does_not_say_has_its_usual_meaning() -> None:
    profile = parse_profile('name = "mine"\n[columns]\nsku = ["Article"]', "mine.toml", own=False)
    assert profile.title == "mine"
    assert profile.needs == (("purchase_order_id", "customer_order_id"), ("tracking_number",), ("ship_date_time",))
    assert profile.header_for("sku") == "Article"
    assert profile.header_for("carrier") == "carrier"


COLUMNS = '[columns]\nsku = ["Article"]\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name = ", "no valid TOML"),
        (COLUMNS, "a profile needs a name"),
        ('name = "x"', "needs a table [columns]"),
        ('name = "x"\n[columns]\ncolour = ["C"]', "columns: 'colour' is no shipment column"),
        ('name = "x"\n[columns]\nsku = "Article"', "columns.sku: must be a list"),
        ('name = "x"\n[columns]\nsku = [[]]', "columns.sku: must be a list"),
        ('name = "x"\nkind = 1\n' + COLUMNS, "'kind' is no key"),
        ('name = "x"\ntitle = 1\n' + COLUMNS, "title: must be text"),
        ('name = "x"\nlast = "yes"\n' + COLUMNS, "last: must be true or false"),
        ('name = "x"\nknown_by = "A"\n' + COLUMNS, "known_by: must be a list"),
        ('name = "x"\nneeds = "sku"\n' + COLUMNS, "needs: must be a list"),
        ('name = "x"\nneeds = ["sku|colour"]\n' + COLUMNS, "needs: 'colour' is no shipment column"),
        ('name = "x"\nconstants = 1\n' + COLUMNS, "constants: must map"),
        ('name = "x"\n' + COLUMNS + "[constants]\ncolour = 'red'", "constants: 'colour'"),
        ('name = "x"\nvalues = 1\n' + COLUMNS, "values: must be tables"),
        ('name = "x"\n' + COLUMNS + "[values.carrier]\nUPS = 1", "values.carrier: must map"),
        ('name = "x"\ninstead = 1\n' + COLUMNS, "instead: must be tables"),
        ('name = "x"\n' + COLUMNS + "[instead.carrier]\nheaders = ['A']", "instead.carrier: needs values and headers"),
        (
            'name = "x"\n' + COLUMNS + "[instead.carrier]\nheaders = ['A']\nvalues = 1",
            "instead.carrier: values must be",
        ),
        ('name = "x"\ndates = 1\n' + COLUMNS, "dates: must be a table"),
        ('name = "x"\n' + COLUMNS + "[dates]\norder = 'dmy'", "dates.order: must be"),
        ('name = "x"\n' + COLUMNS + "[dates]\nformat = 'dmy'", "dates: 'format' is no key"),
        ('name = "x"\n' + COLUMNS + "[dates]\nformats = ['%d %z']", "dates.formats: must be"),
        ('name = "x"\n' + COLUMNS + "[dates]\nzone = 'Toronto'", "dates.zone: no time zone"),
        ('name = "x"\n' + COLUMNS + "[dates]\nmidnight = 'noon'", "dates.midnight: must be"),
        ('name = "x"\n' + COLUMNS + "[dates]\nabsent = 'noon'", "dates.absent: can only"),
        ('name = "x"\nskip = 1\n' + COLUMNS, "skip: write each rule"),
        ('name = "x"\n' + COLUMNS + "[[skip]]\ncolumns = ['A']", "skip: each rule needs"),
        (
            'name = "x"\n' + COLUMNS + "[[skip]]\ncolumns = 'A'\nvalues = ['Y']\nreason = 'r'",
            "skip: columns and values",
        ),
    ],
)
def test_each_mistake_is_said_with_the_file(text: str, problem: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_profile(text, "mine.toml", own=True)
    assert any(said.startswith("mine.toml: ") and problem in said for said in refused.value.problems)


def test_all_mistakes_are_said_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        parse_profile('name = ""\nlast = 1\n[columns]\ncolour = 1', "mine.toml", own=True)
    assert len(refused.value.problems) == 4

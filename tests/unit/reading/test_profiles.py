from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from batch.errors import SettingsError, UnreadableFile, UsageError
from batch.reading.fitting import fit
from batch.reading.profiles import load_profiles, match, vocabulary
from tests.unit.reading.making import PROFILES, table

if TYPE_CHECKING:
    from pathlib import Path

MINE = """
name = "{name}"
[columns]
purchase_order_id = ["{order}"]
tracking_number = ["Suivi"]
ship_date_time = ["Date"]
"""


def mine(folder: Path, name: str = "mine", order: str = "Commande", file: str = "mine.toml") -> Path:
    own = folder / "profiles"
    own.mkdir(exist_ok=True)
    (own / file).write_text(MINE.format(name=name, order=order), encoding="utf-8")
    return own


def name_for(folder: Path, header: str, own: Path | None = None, name: str | None = None) -> str:
    return match(table(folder, header + "\n"), load_profiles(own), name).name


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("purchaseOrderId,carrier,trackingNumber,shipDateTime", "shipbatch"),
        ("Purchase Order ID,Tracking Number,Ship Date Time", "shipbatch"),
        ("CUSTOMER_ORDER_ID,TRACKING-NUMBER,SHIP_DATE_TIME,Colour", "shipbatch"),
        ("PO#,Line#,Update Status,Update Qty,Carrier,Tracking Number,Tracking Url", "seller-center"),
        ("Order - Number,Shipment - Tracking Number,Shipment - Carrier,Date - Shipped Date", "shipstation"),
        ("Order - Number,Date - Ship date,Shipment - Tracking Number", "shipstation"),
        ("Package Ref No.1,Tracking No.,Collection Date,Void Indicator", "ups-worldship"),
        ("order_id,postage_type,carrier,carrier_tracking_code,ship_date", "chit-chats"),
        ("order-id,order-item-id,ship-date,carrier-code,carrier-name,tracking-number", "amazon-fulfillment"),
        ("Name,Line: Type,Fulfillment: Tracking Number,Fulfillment: Processed At", "matrixify"),
        ("Ship Date,Transaction #,Reference,Carrier,Service,Master Tracking #,Tracking #s,Status", "eshipper"),
        ("Ship Date,Order Number,Carrier,Rate Provider,Service Type,Quantity,Tracking Number,SKU", "shippingeasy"),
        ("Order #,Courier,Tracking #,Date Shipped", "generic"),
        ("Numéro de commande;Transporteur;Numéro de suivi;Date d'expédition;Quantité", "generic"),
        ("No commande;No suivi;Date d\u2019envoi", "generic"),
    ],
)  # fmt: skip
def test_a_table_is_known_by_its_header(tmp_path: Path, header: str, name: str) -> None:
    assert name_for(tmp_path, header) == name


def test_each_profile_that_is_shipped_says_where_its_headers_were_seen() -> None:
    assert all(profile.source and profile.title for profile in PROFILES)
    assert len({profile.name for profile in PROFILES}) == len(PROFILES)


def test_our_reports_columns_are_ignored(tmp_path: Path) -> None:
    header = "purchaseOrderId,trackingNumber,shipDateTime,_outcome,_purchase_order_id,_tracking_number"
    one = table(tmp_path, header + "\n")
    assert fit(one, match(one, PROFILES)).origins == {"purchase_order_id": 0, "tracking_number": 1, "ship_date_time": 2}


def test_the_sellers_own_profiles_go_first(tmp_path: Path) -> None:
    own = mine(tmp_path)
    declared = MINE.format(name="mine", order="PO").replace("Suivi", "trackingNumber").replace("Date", "shipDateTime")
    (own / "mine.toml").write_text(declared, encoding="utf-8-sig")
    assert name_for(tmp_path, "PO,purchaseOrderId,trackingNumber,shipDateTime", own) == "mine"
    assert name_for(tmp_path, "purchaseOrderId,trackingNumber,shipDateTime", own) == "shipbatch"


def test_an_own_profile_takes_the_place_of_ours_of_the_same_name(tmp_path: Path) -> None:
    profiles = load_profiles(mine(tmp_path, name="shipbatch"))
    assert [profile.own for profile in profiles if profile.name == "shipbatch"] == [True]


def test_a_name_allows_that_profile_only(tmp_path: Path) -> None:
    header = "purchaseOrderId,Tracking Number,Ship Date,Ship Date Time"
    assert name_for(tmp_path, header) == "shipbatch"
    assert name_for(tmp_path, "Order #,Tracking #,Ship Date", name="generic") == "generic"
    with pytest.raises(UnreadableFile, match="for the profile 'shipstation'"):
        name_for(tmp_path, header, name="shipstation")
    with pytest.raises(UsageError, match="no profile 'other'; there are amazon"):
        name_for(tmp_path, header, name="other")


def test_two_profiles_that_fit_equally_well_refuse_the_file(tmp_path: Path) -> None:
    own = mine(tmp_path, name="one")
    mine(tmp_path, name="two", file="two.toml")
    with pytest.raises(UnreadableFile, match=r"Commande, Suivi, Date.*'one' and 'two' equally well"):
        name_for(tmp_path, "Commande,Suivi,Date", own)


def test_the_profile_that_knows_more_columns_fits_better(tmp_path: Path) -> None:
    own = mine(tmp_path, name="one")
    with (own / "two.toml").open("w", encoding="utf-8") as file:
        file.write(MINE.format(name="two", order="Commande") + 'sku = ["Article"]\n')
    assert name_for(tmp_path, "Commande,Suivi,Date,Article", own) == "two"


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (
            "a,b,c",
            ["no profile fits", "found are the columns a, b, c", "purchaseOrderId or customerOrderId, trackingNumber"],
        ),
        ("purchaseOrderId,carrier,shipDateTime", ["missing column: trackingNumber", "carrier, shipDateTime"]),
        ("trackingNumber,carrier,shipDateTime", ["missing column: purchaseOrderId or customerOrderId"]),
        (
            "purchaseOrderId,trackingNumber,shipDateTime,Tracking Number",
            ["more than once", "'trackingNumber' in column B and 'Tracking Number' in column D"],
        ),
        ("purchaseOrderId,trackingNumber,shipDateTime,sku,SKU", ["'sku' in column D and 'SKU' in column E"]),
        ("Order #,Tracking,Tracking #,Ship Date", ["'Tracking' in column B and 'Tracking #' in column C"]),
        (",".join(f"column{number}" for number in range(60)), ["column39 and 20 more"]),
    ],
)
def test_a_table_that_fits_nothing_is_told_what_was_found_and_expected(
    tmp_path: Path, header: str, said: list[str]
) -> None:
    with pytest.raises(UnreadableFile) as refused:
        name_for(tmp_path, header)
    assert all(part in str(refused.value) for part in [*said, "found are the columns", "expected", "file.csv"])


def test_unneeded_columns_that_stand_twice_do_not_matter(tmp_path: Path) -> None:
    assert name_for(tmp_path, "purchaseOrderId,trackingNumber,shipDateTime,Note,Note,,") == "shipbatch"
    assert name_for(tmp_path, "Order #,Tracking #,Ship Date,Qty,Quantity") == "generic"


def test_the_generic_profile_prefers_the_purchase_order(tmp_path: Path) -> None:
    one = table(tmp_path, "Order Number,PO Number,Tracking,Ship Date\n")
    profile = match(one, PROFILES)
    assert fit(one, profile).origins["purchase_order_id"] == 1


def test_every_mistake_in_own_profiles_is_said_at_once(tmp_path: Path) -> None:
    own = mine(tmp_path)
    mine(tmp_path, file="again.toml")
    (own / "broken.toml").write_text("name =", encoding="utf-8")
    (own / "latin.toml").write_bytes(b'name = "caf\xe9"')
    with pytest.raises(SettingsError) as refused:
        load_profiles(own)
    problems = "\n".join(refused.value.problems)
    assert len(refused.value.problems) == 3
    assert all(
        part in problems for part in ("broken.toml: no valid TOML", "latin.toml: cannot be read", "two profiles have")
    )


def test_without_a_folder_only_ours_are_there(tmp_path: Path) -> None:
    assert load_profiles(tmp_path / "nowhere") == load_profiles(None)


def test_the_vocabulary_holds_every_header_in_its_compared_form() -> None:
    assert {"purchaseorderid", "order#", "numerodesuivi", "carriername"} <= vocabulary(PROFILES)

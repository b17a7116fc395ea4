"""Write the sample exports under data/: believable, made up, and the same at every run.

    python tests/make_samples.py            all of them
    python tests/make_samples.py FOLDER     into another folder

Every tracking number but the spoilt ones has a right check digit. Mistakes are set in by hand, one of each kind.
"""

from __future__ import annotations

import csv
import io
import random
import sys
import zipfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openpyxl import Workbook  # type: ignore[import-untyped] # it ships no types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

DATA = Path(__file__).resolve().parent.parent / "data"
FIRST_DAY = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)  # local wall clock; only the figures are written
FIXED = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ZIP_TIME = (2026, 11, 23, 12, 0, 0)

NAMES = (
    "Émile Côté",
    "Zoë Beauséjour",
    "François Lévesque",
    "Mary O'Brien",
    "Noémie Gagné",
    "Aïcha Benoît",
    "John Smith",
)
CITIES = ("Montréal", "Québec", "Trois-Rivières", "Sept-Îles", "Toronto", "Halifax", "St. John's", "Vancouver")
NOTES = ("", "", "", "laisser à l'entrée", "fragile, this side up", 'says "ring twice"', "cadeau de Noël")
SKUS = ("TUQ-NOIR-M", "MITAINE-7", "0042-LAMPE", "CAFÉ-1KG", "SKU-00913", "BOOT-44-BRN", "PELLE-XL")


@dataclass(frozen=True)
class Line:
    """One row of an export, before it is spelt in that export's way."""

    order: str
    customer_order: str
    line: int
    sku: str
    quantity: str
    carrier: str
    service: str
    tracking: str
    shipped: datetime | str
    name: str
    city: str
    note: str
    void: bool = False
    url: str = ""


def _weighted(digits: Iterable[int], even: int, odd: int) -> int:
    total = sum(digit * (odd if place % 2 else even) for place, digit in enumerate(digits))
    return -total % 10


def canada_post(chance: random.Random) -> str:
    """Return 16 digits: an origin, a serial number, and the check digit by 3 and 1."""
    digits = [
        int(figure) for figure in chance.choice(("0073938", "7035114", "4002847")) + f"{chance.randrange(10**8):08d}"
    ]
    return "".join(map(str, digits)) + str(_weighted(digits, 3, 1))


def purolator(chance: random.Random) -> str:
    """Return 12 digits that end in their Luhn digit."""
    digits = [chance.randrange(6), *(chance.randrange(10) for _ in range(10))]
    total = sum(sum(divmod(digit * 2, 10)) if place % 2 == 0 else digit for place, digit in enumerate(reversed(digits)))
    return "".join(map(str, digits)) + str(-total % 10)


def ups(chance: random.Random) -> str:
    """Return 1Z, shipper, service, package and the check digit by 1 and 2; letters count as their code less 3."""
    body = (
        chance.choice(("5R8939", "12345E", "37Y059"))
        + chance.choice(("03", "01", "66"))
        + f"{chance.randrange(10**7):07d}"
    )
    values = [int(sign) if sign.isdigit() else (ord(sign) - 3) % 10 for sign in body]
    return f"1Z{body}{_weighted(values, 1, 2)}"


def fedex(chance: random.Random) -> str:
    """Return 12 digits, the last one the sum by 3, 1 and 7, modulo 11, modulo 10."""
    digits = [9, *(chance.randrange(10) for _ in range(10))]
    weights = (3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1)
    total = sum(digit * weight for digit, weight in zip(digits, weights, strict=True))
    return "".join(map(str, digits)) + str(total % 11 % 10)


def canpar(chance: random.Random) -> str:
    """Return a letter and 21 digits; Canpar has no check digit that is known."""
    return f"D576{chance.randrange(10**9):09d}{chance.randrange(10**9):09d}"


def dhl(chance: random.Random) -> str:
    """Return 9 digits and their remainder by 7."""
    serial = chance.randrange(10**8, 10**9)
    return f"{serial}{serial % 7}"


CARRIERS: tuple[tuple[str, str, Callable[[random.Random], str]], ...] = (
    ("Canada Post", "Expedited Parcel", canada_post),
    ("Canada Post", "Xpresspost", canada_post),
    ("Purolator", "Purolator Ground", purolator),
    ("UPS", "UPS Standard", ups),
    ("FedEx", "FedEx Ground", fedex),
    ("Canpar", "Canpar Ground", canpar),
    ("DHL", "DHL Express", dhl),
)


def lines(seed: int, rows: int, *, parcels: bool = True) -> list[Line]:
    """Return at least `rows` good lines: orders of one to three lines, some lines in two parcels."""
    chance = random.Random(seed)  # noqa: S311 - made-up data, no secret
    made: list[Line] = []
    order = 309121065891123 + seed * 100_000
    while len(made) < rows:
        order += chance.randrange(3, 90)
        made += _order(chance, str(order), 5_000_000_123_456 + seed * 1_000 + len(made), parcels=parcels)
    return made


def _order(chance: random.Random, order: str, customer_order: int, *, parcels: bool) -> list[Line]:
    carrier, service, number = chance.choice(CARRIERS)
    shipped = FIRST_DAY + timedelta(minutes=chance.randrange(21 * 24 * 60))
    who = chance.choice(NAMES), chance.choice(CITIES), chance.choice(NOTES)
    tracking = number(chance)
    made = []
    for place, sku in enumerate(chance.sample(SKUS, chance.choice((1, 1, 1, 2, 3))), start=1):
        common = Line(order, str(customer_order), place, sku, "1", carrier, service, tracking, shipped, *who)
        if parcels and chance.random() < 0.12:
            made += [replace(common, quantity=str(chance.randrange(1, 4)), tracking=number(chance)) for _ in range(2)]
        else:
            made.append(replace(common, quantity=str(chance.choice((1, 1, 1, 2, 5)))))
    return made


def shipments(seed: int, count: int) -> list[Line]:
    """Return good lines, one for each parcel, as in exports that know nothing of order lines."""
    by_parcel = {(line.order, line.tracking): line for line in reversed(lines(seed, 2 * count))}
    return [*reversed(by_parcel.values())][:count]


def with_mistakes(good: list[Line], *, e_notation: bool = True) -> list[Line]:
    """Return the lines with one mistake of each kind set in, at places that never change."""
    made = list(good)
    made[7] = replace(made[7], carrier="", tracking="1Z5R89390357567127")  # missing, but only UPS fits
    made[11] = replace(made[11], carrier="", tracking="L0SAB1234567")  # missing, and nothing fits
    made[17] = replace(made[17], shipped="32/13/2026")
    made[23] = replace(made[23], shipped="soon")
    if e_notation:
        made[29] = replace(made[29], carrier="Canada Post", tracking="7.03511E+15")
    made[31] = replace(made[31], carrier="Canada Post", tracking="7035114477138479")  # its check digit fails
    made[37] = replace(made[37], tracking="")
    made[41] = replace(made[41], quantity="two")
    made[43] = replace(made[43], carrier="Pigeon Express", tracking="PX123456789")  # unknown, without a URL
    made[47] = replace(made[47], carrier="Lettermail", service="Lettermail", tracking="")
    contradicted, repeated = made[53], made[59]
    made.insert(54, replace(contradicted, quantity=str(int(contradicted.quantity) + 1)))
    made.insert(90, repeated)
    return made


def _iso(shipped: datetime | str) -> str:
    return shipped if isinstance(shipped, str) else shipped.strftime("%Y-%m-%d %H:%M")


def _day(shipped: datetime | str, pattern: str) -> str:
    return shipped if isinstance(shipped, str) else shipped.strftime(pattern)


def _csv(rows: Iterable[Sequence[str]], separator: str = ",", line_end: str = "\r\n") -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator=line_end).writerows(rows)
    return text.getvalue()


def _xlsx(rows: Sequence[Sequence[Any]], sheet: str) -> bytes:
    """Return a workbook whose bytes are the same at every run."""
    workbook = Workbook()
    workbook.properties.created = workbook.properties.modified = FIXED.replace(tzinfo=None)
    page = workbook.active
    page.title = sheet
    for row in rows:
        page.append(list(row))
    page.freeze_panes = "A2"
    workbook.create_sheet("Notes")["A1"] = "Exported by the warehouse, November 2026"
    raw, fixed = io.BytesIO(), io.BytesIO()
    workbook.save(raw)
    with zipfile.ZipFile(raw) as made, zipfile.ZipFile(fixed, "w", zipfile.ZIP_DEFLATED) as rewritten:
        for info in made.infolist():
            content = made.read(info)
            if info.filename == "docProps/core.xml":
                content = _undated(content)
            rewritten.writestr(zipfile.ZipInfo(info.filename, ZIP_TIME), content, zipfile.ZIP_DEFLATED)
    return fixed.getvalue()


def _undated(core: bytes) -> bytes:
    """Return the workbook's properties with the time of saving set back."""
    head, _, rest = core.partition(b"<dcterms:modified")
    start, _, tail = rest.partition(b">")
    return (
        head
        + b"<dcterms:modified"
        + start
        + b">"
        + FIXED.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
        + tail[tail.index(b"<") :]
    )


OUR_HEADER = (
    "purchaseOrderId", "customerOrderId", "lineNumber", "sku", "quantity", "carrier", "trackingNumber", "trackingURL",
    "methodCode", "shipDateTime", "shipFromCountry", "sellerOrderId", "Customer", "City", "Note",
)  # fmt: skip


def _ours(line: Line) -> list[str]:
    return [
        line.order, line.customer_order, str(line.line), line.sku, line.quantity, line.carrier, line.tracking, line.url,
        "", _iso(line.shipped), "CA", "", line.name, line.city, line.note,
    ]  # fmt: skip


def shipbatch_csv() -> bytes:
    """Our own columns as CSV, with mistakes, a blank line and a total line."""
    made = with_mistakes(lines(1, 220))
    made[61] = replace(
        made[61], carrier="Intelcom", tracking="INTLCM0012345", url="https://intelcom.ca/track/INTLCM0012345"
    )
    made[63] = replace(made[63], shipped="2026-11-30")  # too far ahead
    made[70] = replace(made[70], shipped="2026-11-26 09:00")  # ahead: due then
    made[73] = replace(made[73], shipped="2026-11-24")  # the day on which the file is read
    made[65] = replace(made[65], shipped="2026-11-17")  # a day without a time
    rows = [list(OUR_HEADER), *map(_ours, made)]
    rows[100][11] = "WEB-88123"
    rows.append(["Total", "", "", "", str(len(made)), *[""] * 10])
    head, tail = _csv(rows[:150]), _csv(rows[150:])
    return (head + "\r\n" + tail).encode("utf-8-sig")


def shipbatch_xlsx() -> bytes:
    """Our own columns as a workbook: real dates, numbers stored as numbers, one of them ruined, a further sheet."""
    made = with_mistakes(lines(2, 200), e_notation=False)
    rows: list[list[Any]] = [list(OUR_HEADER)]
    for line in made:
        row: list[Any] = _ours(line)
        row[0], row[2] = int(line.order), line.line
        row[4] = int(line.quantity) if line.quantity.isdigit() else line.quantity
        row[9] = line.shipped.replace(tzinfo=None) if isinstance(line.shipped, datetime) else line.shipped
        rows.append([value if value != "" else None for value in row])
    rows[30][5], rows[30][6] = "Canada Post", 7035114477138472  # a number of 16 digits: Excel keeps 15
    rows[33][6] = "#N/A"
    return _xlsx(rows, "Shipments")


def shipbatch_french() -> bytes:
    """Our own columns as Excel writes CSV in French Canada: semicolons, Windows-1252."""
    made = lines(3, 40)
    return _csv([list(OUR_HEADER), *map(_ours, made)], ";").encode("cp1252")


def seller_center_csv() -> bytes:
    """The Seller Center's bulk file, which has no ship dates."""
    header = ("PO#", "Line#", "Update Status", "Update Qty", "Carrier", "Tracking Number", "Tracking Url", "SKU")
    rows = [list(header)]
    for place, line in enumerate(with_mistakes(lines(4, 180))):
        status = "Cancelled" if place in (15, 80) else "Shipped"
        rows.append(
            [line.order, str(line.line), status, line.quantity, line.carrier, line.tracking, line.url, line.sku]
        )
    return _csv(rows).encode()


def shipstation_csv() -> bytes:
    """ShipStation's export: no line numbers, American dates, voided labels, tracking numbers protected by ="..."."""
    header = (
        "Order - Number", "Date - Order Date", "Date - Shipped Date", "Shipment - Tracking Number",
        "Shipment - Carrier", "Shipment - Service", "Item - SKU", "Item - Qty",
        "Ship To - Name", "Ship To - City", "Shipment - Voided",
    )  # fmt: skip
    rows = [list(header)]
    for place, line in enumerate(with_mistakes(lines(5, 190))):
        tracking = f'="{line.tracking}"' if line.tracking.startswith("00") else line.tracking
        rows.append([
            line.order, "11/1/2026", _day(line.shipped, "%m/%d/%Y %I:%M:%S %p"), tracking, line.carrier,
            line.service, line.sku, line.quantity, line.name, line.city, "Yes" if place in (12, 77, 140) else "No",
        ])  # fmt: skip
    return _csv(rows).encode("utf-8-sig")


def worldship_csv() -> bytes:
    """UPS WorldShip: UPS alone, time stamps in figures, voided labels, noughts lost, a label counted up by dragging."""
    chance = random.Random(6)  # noqa: S311 - made-up data, no secret
    header = ("Void Indicator", "Package Ref No.1", "Package Ref No.2", "Tracking No.", "Service Type",
              "ShipmentProcess Timestamp")  # fmt: skip
    rows = [list(header)]
    for place, line in enumerate(lines(6, 210, parcels=False)):
        stamp = _day(line.shipped, "%Y%m%d%H%M%S")
        rows.append(["Y" if place in (5, 21) else "N", line.order, line.sku, ups(chance), "UPS Standard", stamp])
    rows[30][3] = "1Z1111111111111111"  # its check digit fails
    rows[40][1] = ""
    rows[50][5] = "2.02611E+13"
    rows[60][3] = "RB123456785CA"  # Canada Post's
    rows.insert(90, rows[70])
    for place in range(4):
        rows[100 + place][3] = f"1Z5R893903575671{20 + place}"
    return _csv(rows).encode("cp1252")


def chit_chats_csv() -> bytes:
    """Chit Chats: its own shipment ids beside the carriers' numbers, some without any."""
    header = ("shipment_id", "status", "order_id", "order_store", "postage_type", "carrier", "carrier_tracking_code",
              "tracking_url", "ship_date", "to_name", "to_city")  # fmt: skip
    rows = [list(header)]
    for place, line in enumerate(with_mistakes(shipments(7, 210))):
        status = "voided" if place in (4, 19) else "released"
        rows.append([
            f"U2{place:08d}", status, line.order, "Walmart Canada", "chit_chats_canada_tracked", line.carrier,
            "" if place == 9 else line.tracking, line.url, _day(line.shipped, "%Y-%m-%d"), line.name, line.city,
        ])  # fmt: skip
    return _csv(rows, line_end="\n").encode()


def amazon_txt() -> bytes:
    """Amazon's flat file: tab-separated, a banner above the header, carrier names only where the code is Other."""
    header = ("order-id", "order-item-id", "quantity", "ship-date", "carrier-code", "carrier-name", "tracking-number",
              "ship-method")  # fmt: skip
    rows = [["TemplateType=OrderFulfillment", "Version=2011.1102", *[""] * 6], list(header)]
    for line in with_mistakes(lines(8, 205)):
        other = line.carrier in ("Canpar", "Purolator", "Pigeon Express")
        rows.append([
            line.order, str(line.line), line.quantity, _day(line.shipped, "%Y-%m-%dT%H:%M:%S-05:00"),
            "Other" if other else line.carrier, line.carrier if other else "", line.tracking, line.service,
        ])  # fmt: skip
    return _csv(rows, "\t").encode()


def matrixify_xlsx() -> bytes:
    """Shopify's orders by Matrixify: a row for each line of an order, fulfillments among them."""
    header = ("ID", "Name", "Command", "Line: Type", "Line: SKU", "Line: Quantity", "Fulfillment: Status",
              "Fulfillment: Processed At", "Fulfillment: Tracking Company", "Fulfillment: Tracking Number",
              "Fulfillment: Tracking URL", "Fulfillment: Send Receipt")  # fmt: skip
    rows: list[list[Any]] = [list(header)]
    for place, line in enumerate(with_mistakes(lines(9, 110), e_notation=False)):
        start = [5_800_000_000 + place, line.order, "UPDATE"]
        quantity = int(line.quantity) if line.quantity.isdigit() else line.quantity
        if line.line == 1:
            rows.append([*start, "Line Item", line.sku, quantity, *[None] * 6])
        stamp = _day(line.shipped, "%Y-%m-%d %H:%M:%S -0500")
        status = "cancelled" if place in (14, 66) else "success"
        fulfilled = [status, stamp, line.carrier, line.tracking or None, line.url or None, "FALSE"]
        rows.append([*start, "Fulfillment Line", line.sku, quantity, *fulfilled])
    return _xlsx(rows, "Orders")


def eshipper_csv() -> bytes:
    """EShipper's report: one row for each shipment, costs beside it, a total line at its end."""
    header = ("Ship Date", "Transaction #", "Reference", "Carrier", "Service", "Package Name", "# of Packages",
              "ShipTo Company", "ShipTo City", "Master Tracking #", "Tracking #s", "Status", "Total Charge",
              "Currency")  # fmt: skip
    rows = [list(header)]
    for place, line in enumerate(with_mistakes(shipments(10, 205))):
        rows.append([
            _day(line.shipped, "%Y-%m-%d"), str(8_400_000 + place), line.order, line.carrier, line.service, "Box", "1",
            line.name, line.city, line.tracking, line.tracking,
            "Cancelled" if place == 6 else "Delivered", "12.40", "CAD",
        ])  # fmt: skip
    rows[20][6], rows[20][10] = "2", f"{rows[20][9]}, {rows[21][9]}"  # both packages of a shipment in one cell
    rows.append(["Total", *[""] * 11, f"{12.40 * (len(rows) - 1):.2f}", "CAD"])
    return _csv(rows).encode("cp1252")


def shippingeasy_csv() -> bytes:
    """ShippingEasy's report: five lines above the header, tracking numbers behind an apostrophe."""
    header = ("Ship Date", "User", "Order Date", "Order Total", "Store", "Order Number", "Recipient", "Carrier",
              "Rate Provider", "Service Type", "Quantity", "Tracking Number", "SKU", "Item Name")  # fmt: skip
    banner = ["Shipment Report", "From: 11/01/2026", "To: 11/23/2026", "Store: All", ""]
    rows: list[list[str]] = [[line] if line else [] for line in banner] + [list(header)]
    rows += [
        [
            _day(line.shipped, "%m/%d/%Y"), "warehouse", "11/01/2026", "49.99", "Walmart", line.order, line.name,
            line.carrier, "eShipper", line.service, line.quantity, f"'{line.tracking}", line.sku, f"Article {line.sku}",
        ]
        for line in with_mistakes(lines(11, 200))
    ]  # fmt: skip
    return _csv(rows).encode()


def fedex_xlsx() -> bytes:
    """FedEx Ship Manager's history: one row for each piece, labels that were never printed, numbers dragged down."""
    chance = random.Random(12)  # noqa: S311 - made-up data, no secret
    header = ("shipDate", "masterTrackingNumber", "pieceTrackingNumber", "status", "reference", "poNumber",
              "numberOfPackages", "totalShipmentWeight", "weightUnits", "recipientContactName", "recipientCity",
              "senderCountry")  # fmt: skip
    rows: list[list[Any]] = [list(header)]
    for place, line in enumerate(lines(12, 205, parcels=False)):
        number, printed = fedex(chance), place not in (7, 80, 81)
        rows.append([
            _day(line.shipped, "%Y-%m-%d"), number if printed else None, number if printed else None,
            "ALL_DOCS_PRINTED" if printed else ("NOT_PRINTED", "EXPIRED")[place % 2], line.order, None,
            1, 1.2, "KGS", line.name, line.city, "CA",
        ])  # fmt: skip
    rows[10][4:6] = None, rows[10][4]  # the order's number in the other column
    rows[20][4] = None
    rows[30][2] = None  # the only piece: the shipment's number is its own
    rows[40][2] = int(rows[40][2])
    rows[50][2] = "#REF!"
    for place in range(1, 5):
        rows[60 + place][2] = str(int(rows[60][2]) + place)
    return _xlsx(rows, "Shipment_Report")


def french_csv() -> bytes:
    """What a warehouse types in French: semicolons, Windows-1252, the day first, numbers in groups, a total line."""
    header = ("N° de commande", "Ligne", "Transporteur", "Numéro de suivi", "Date d'expédition", "Quantité",
              "Code article", "Destinataire", "Ville", "Remarque")  # fmt: skip
    names = {"Canada Post": "Postes Canada", "Lettermail": "Poste-lettres"}
    rows = [["Expéditions de novembre"], [], list(header)]
    for place, line in enumerate(with_mistakes(lines(13, 220))):
        digits = line.tracking.isdigit() and place % 3 == 0
        number = "\u00a0".join(line.tracking[at : at + 4] for at in range(0, len(line.tracking), 4))
        rows.append([
            line.order, str(line.line), names.get(line.carrier, line.carrier), number if digits else line.tracking,
            _day(line.shipped, "%d/%m/%Y"), line.quantity, line.sku, line.name, line.city, line.note,
        ])  # fmt: skip
    rows[20][4] = "le 5 novembre"
    rows[24][4] = "5 novembre 2026"
    rows[70][3] = f"{rows[70][3]} et {rows[75][3]}"
    rows[77][0] = "3,09121E+14"
    rows[80][5] = "1-févr"
    rows.insert(100, list(header))
    rows.append(["Total général", "", "", "", "", str(len(rows) - 4)])
    return _csv(rows, ";").encode("cp1252")


SAMPLES: dict[str, Callable[[], bytes]] = {
    "shipbatch/november.csv": shipbatch_csv,
    "shipbatch/november.xlsx": shipbatch_xlsx,
    "shipbatch/novembre.csv": shipbatch_french,
    "seller-center/bulk.csv": seller_center_csv,
    "shipstation/shipments.csv": shipstation_csv,
    "ups-worldship/daily.csv": worldship_csv,
    "chit-chats/shipments.csv": chit_chats_csv,
    "amazon-fulfillment/confirmation.txt": amazon_txt,
    "matrixify/orders.xlsx": matrixify_xlsx,
    "eshipper/report.csv": eshipper_csv,
    "shippingeasy/report.csv": shippingeasy_csv,
    "fedex-ship-manager/history.xlsx": fedex_xlsx,
    "generic/expeditions.csv": french_csv,
}


def write_all(folder: Path) -> list[Path]:
    """Write every sample into the folder, and return their paths."""
    written = []
    for name, make in SAMPLES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make())
        written.append(path)
    return written


if __name__ == "__main__":
    for sample in write_all(Path(sys.argv[1]) if len(sys.argv) > 1 else DATA):
        sys.stdout.write(f"{sample}\n")

"""Excel's ways to change a cell, as data: those that ruin it, each with its sentence, and those that do no harm.

`schemas.damage` looks for them. A ruin's sentence says how to export the column right.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.cells import Kind

ORDERS = frozenset({"purchase_order_id", "customer_order_id"})
NUMBERS = ORDERS | {"tracking_number"}  # long numbers, which Excel may take for quantities
COUNTS = frozenset({"line_number", "quantity"})
ITEMS = frozenset({"sku", "seller_order_id"})  # a number now and then
NAMES = frozenset({"carrier", "tracking_url", "method_code", "ship_from_country"})
TIMES = frozenset({"ship_date_time"})
EVERYWHERE = NUMBERS | COUNTS | ITEMS | NAMES | TIMES

AS_TEXT = "make the column text before the numbers go in, and export again"
LONGEST_NUMBER = 15  # digits that a number of Excel's keeps


@dataclass(frozen=True, slots=True)
class Ruin:
    """A way to ruin a cell for good. It is there where the pattern fits, or where the file stores one of the kinds."""

    name: str
    reason: str
    pattern: str = ""  # the whole cell, as a regular expression (RE2)
    columns: frozenset[str] = EVERYWHERE
    kinds: frozenset[Kind] = frozenset()
    only_of_kinds: bool = False  # pattern and kind together


@dataclass(frozen=True, slots=True)
class Mending:
    """A harmless change, and how it is put right."""

    name: str
    note: str
    pattern: str
    replacement: str
    columns: frozenset[str] = EVERYWHERE


_ONE = r"[0-9a-z\- ]*\d[0-9a-z\- ]*"
_MONTH = r"(?:jan|feb|fev|fév|mar|apr|avr|may|mai|jun|juin|jul|juil|aug|aou|aoû|sep|oct|nov|dec|déc)[a-zéû]*\.?"

MOJIBAKE = Ruin(
    "mojibake",
    "letters with accents have turned into signs on the way; export as UTF-8 (in Excel: CSV UTF-8)",
    r"(?s:.*)(?:Ã[\x{80}-\x{BF}\x{152}-\x{192}\x{2C6}\x{2DC}\x{2013}-\x{203A}\x{20AC}\x{2122} ]"
    r"|Â[\x{A0}-\x{BF}]|â€|ï»¿|\x{FFFD})(?s:.*)",
)

ZEROED = r"[1-9]\d{14}0+"  # a long number as it looks when Excel has rounded it
DIGITS_ZEROED = f"Excel keeps {LONGEST_NUMBER} digits of a number and has put noughts for the rest; {AS_TEXT}"

RUINS = (
    Ruin(
        "uncalculated",
        "the file has a formula here, but not its value; open it in Excel, save it there, and use that file",
        r"(?s)=.*",
        kinds=frozenset({Kind.ERROR}),
        only_of_kinds=True,
    ),
    Ruin(
        "error",
        "this is an error value of a formula, not what belongs here; mend the formula, and export again",
        r"#(?:N/A|N/D|REF!|VALUE!|VALEUR!|DIV/0!|NAME\?|NOM\s?\?|NULL!|NUL!|NUM!|NOMBRE!|SPILL!|PROPAGATION!|CALC!"
        r"|FIELD!|CHAMP!|BUSY!|GETTING_DATA)|Err\s?:\d{3}",
        kinds=frozenset({Kind.ERROR}),
    ),
    Ruin("too_narrow", "the column was too narrow to show what is in it; widen it and export again", r"#{2,}"),
    Ruin(
        "digits_lost",
        f"the file stores this as a number, and numbers keep {LONGEST_NUMBER} digits: the others are lost; {AS_TEXT}",
        r"-?(?:0*[1-9]\d{15,}(?:[.,]0*)?|\d(?:\.\d+)?E\+\d+)",
        NUMBERS | COUNTS | ITEMS,
        frozenset({Kind.NUMBER, Kind.FORMATTED}),
        only_of_kinds=True,
    ),
    Ruin(
        "formatted",
        f"a number format shows noughts or letters here that the file does not store; {AS_TEXT}",
        columns=NUMBERS | ITEMS,
        kinds=frozenset({Kind.FORMATTED}),
    ),
    Ruin(
        "e_notation",
        f"Excel shows this number in E-notation and has lost its last digits; {AS_TEXT}",
        r"(?i)-?\d+(?:[.,]\d+)?e\+\d+|-?\d[.,]\d+e\d+",
        NUMBERS | COUNTS | ITEMS | TIMES,
    ),
    Ruin(
        "small_e_notation",
        f"Excel has taken this for a number in E-notation; {AS_TEXT}",
        r"(?i)-?\d+(?:[.,]\d+)?e-\d+",
        NUMBERS | COUNTS,
    ),
    Ruin(
        "digits_zeroed",
        DIGITS_ZEROED,
        r"[1-9]\d{14}0{3,}",
        NUMBERS | ITEMS,
    ),
    Ruin(
        "point_zero",
        f"as a number of more than {LONGEST_NUMBER} digits it has lost its last ones; {AS_TEXT}",
        r"\d{16,}[.,]0+",
        NUMBERS | ITEMS,
    ),
    Ruin(
        "fraction",
        f"Excel has taken this for a number with decimals; {AS_TEXT}",
        r"-?\d+\.\d+",
        NUMBERS,
        frozenset({Kind.NUMBER}),
        only_of_kinds=True,
    ),
    Ruin(
        "became_date",
        f"Excel has turned this into a date or time; {AS_TEXT}",
        rf"(?i)\d{{4}}-\d{{2}}-\d{{2}}(?:[ T].*)?|\d{{1,2}}/\d{{1,2}}/\d{{2,4}}|\d{{1,2}}[- ]{_MONTH}(?:[- ]\d{{2,4}})?"
        rf"|{_MONTH}[- ]\d{{2,4}}|\d{{1,2}}:\d{{2}}(?::\d{{2}})?",
        NUMBERS | COUNTS,
    ),
    Ruin(
        "stored_as_date",
        f"the file stores this as a date or time; {AS_TEXT}",
        columns=NUMBERS | COUNTS | ITEMS,
        kinds=frozenset({Kind.DATE, Kind.DURATION}),
    ),
    Ruin(
        "serial_date",
        f"this looks like the number that Excel keeps for a date; {AS_TEXT}",
        r"(?:3[6-9]|[4-6]\d|7[0-3])\d{3}(?:\.\d+)?",
        COUNTS,
    ),
    Ruin(
        "boolean",
        f"the file stores this as true or false; {AS_TEXT}",
        columns=NUMBERS | COUNTS | ITEMS,
        kinds=frozenset({Kind.BOOLEAN}),
    ),
    Ruin(
        "thousands",
        f"Excel has put separators between the digits, as in an amount of money; {AS_TEXT}",
        r"\d{1,3}(?:,\d{3})+(?:\.\d*)?|\d{1,3}(?:'\d{3})+",
        NUMBERS | COUNTS,
    ),
    Ruin(
        "look_alike",
        "a letter or digit of another alphabet stands here, which only looks like ours; type the number anew",
        r"(?s).*[\p{Greek}\p{Cyrillic}\x{660}-\x{669}\x{6F0}-\x{6F9}\x{FF10}-\x{FF5A}].*",
        NUMBERS | COUNTS,
    ),
    Ruin(
        "several",
        "there are several numbers in this cell; give each a row of its own",
        rf"(?is){_ONE}(?:(?:[,;/|&+\n\r\t]|\s(?:and|et|ou|or)\s){_ONE})+[,;/|&\s]*"
        r"|(?i)[0-9a-z]{8,}(?: +[0-9a-z]{8,})+|(?i)[0-9a-z]{5,}(?: +- +[0-9a-z]{5,})+",
        NUMBERS,
    ),
    Ruin(
        "several_dashed",
        "there are several numbers in this cell; give each a row of its own",
        r"(?i)[0-9a-z]{8,}(?:-[0-9a-z]{8,})+",
        frozenset({"tracking_number"}),
    ),
)  # fmt: skip

LOSSY = frozenset(
    ruin.reason for ruin in RUINS if ruin.name in {"digits_lost", "e_notation", "digits_zeroed", "point_zero"}
)
"""What is told of numbers whose last digits are gone; where one is, others are likely to be."""

_SPACES = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_INVISIBLE = "\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff"
_APOSTROPHES = "'`\u00b4\u2018\u2019"
_DASHES = "\u2010-\u2015\u2212\ufe58\ufe63\uff0d"

_QUOTED = rf"^\s*[{_APOSTROPHES}]([^{_APOSTROPHES}]*)$"

UNWRAPPINGS = (
    Mending("exotic_spaces", "no-break or other unusual spaces taken out", f"[{_SPACES}]", " "),
    Mending("invisible", "invisible characters taken out", f"[{_INVISIBLE}]", ""),
    Mending("exotic_dashes", "unusual dashes taken for plain ones", f"[{_DASHES}]", "-", EVERYWHERE - NAMES),
    Mending("formula_text", 'the wrapping ="..." that keeps noughts taken off', r'^\s*="([^"]*)"\s*$', r"\1"),
    Mending("apostrophe", "the apostrophe that makes it text taken off", _QUOTED, r"\1"),
)  # fmt: skip
"""Applied before the harmful checks; then spaces at both ends go without a word."""

TIDYINGS = (
    Mending(
        "point_zero",
        "the .0 of a number taken off",
        rf"^(\d{{1,{LONGEST_NUMBER}}})[.,]0+$",
        r"\1",
        NUMBERS | COUNTS | ITEMS,
    ),
    Mending("spaced", "spaces and dashes inside the number taken out", r"[ \-]+", "", frozenset({"tracking_number"})),
)
"""Applied to what is whole."""

SPACED_ORDER = Mending("spaced", "spaces and dashes inside the number taken out", r"[ \-]+", "", ORDERS)
ORDER_OF_DIGITS = r"[\d \-]*\d[\d \-]*"

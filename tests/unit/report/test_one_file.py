from __future__ import annotations

from dataclasses import replace

import pandas as pd

from batch.report.account import ATTEMPT_COLUMNS, FINDING_COLUMNS, FileAccount, check_conservation
from batch.report.one_file import of_one_file
from tests.unit.report.accounts import make_account, make_table

MARCH = make_table(("1", "a", ""), ("2", "b", ""), path="in/march.csv")
APRIL = make_table(("2", "c", ""), ("3", "d", ""), ("", "e", ""), path="in/april.csv")
TOLD = [
    ("shipped", "", "101"),
    ("held", "Because of april.csv row 2.", "102"),
    ("rejected", "No date.", "102"),
    ("skipped", "A repeat.", "103"),
    ("rejected", "No order.", ""),
]


def test_a_file_is_told_of_as_if_there_were_no_other() -> None:
    account = make_account([MARCH, APRIL], TOLD)
    for place in (0, 1):
        check_conservation(of_one_file(account, place))
    march, april = of_one_file(account, 0), of_one_file(account, 1)
    assert [file.path.name for file in (*march.files, *april.files)] == ["march.csv", "april.csv"]
    assert march.orders["purchase_order_id"].tolist() == ["101", "102"]
    assert april.orders["purchase_order_id"].tolist() == ["102", "103"]
    assert april.rows["order"].tolist() == [0, 1, -1]
    assert april.tables == (APRIL,)


def test_an_order_is_as_grave_as_its_rows_in_that_file() -> None:
    account = make_account([MARCH, APRIL], TOLD)
    march, april = of_one_file(account, 0).orders, of_one_file(account, 1).orders
    assert account.orders["outcome"].tolist() == ["shipped", "held", "skipped"]
    assert (march["outcome"].tolist(), march["rows"].tolist()) == (["shipped", "held"], [1, 1])
    assert (april["outcome"].tolist(), april["reason"].tolist()) == (["rejected", "skipped"], ["No date.", "A repeat."])
    assert april["parcels"].tolist() == [1, 0]


def test_what_belongs_to_rows_and_orders_goes_with_them() -> None:
    findings = pd.DataFrame([(0, 1, 0, "note", "n0"), (1, 0, 0, "warning", "w1")], columns=list(FINDING_COLUMNS))
    attempts = pd.DataFrame(
        [("ship", 1, 2, 200, "accepted", 0), ("read", 1, 2, 200, "accepted", 2), ("token", 1, 2, 200, "accepted", -1)],
        columns=list(ATTEMPT_COLUMNS),
    )
    carriers = pd.Series(["UPS", "USPS", "DHL", "CPC", ""], dtype="str")
    account = replace(make_account([MARCH, APRIL], TOLD), findings=findings, attempts=attempts, carriers=carriers)
    april = of_one_file(account, 1)
    assert april.findings[["table", "reason"]].to_numpy().tolist() == [[0, "w1"]]
    assert april.attempts[["kind", "order"]].to_numpy().tolist() == [["read", 1]]
    assert april.carriers.tolist() == ["DHL", "CPC", ""]


def test_a_file_that_could_not_be_read_has_no_rows() -> None:
    account = make_account([MARCH], TOLD[:2])
    broken = FileAccount(path=MARCH.source.path.with_name("broken.csv"), sha256="cd" * 32, problem="It is a PDF.")
    told = of_one_file(replace(account, files=(*account.files, broken)), 1)
    check_conservation(told)
    assert (told.files, len(told.rows), len(told.orders), told.tables) == ((broken,), 0, 0, ())


def test_the_only_file_is_the_whole_account() -> None:
    account = make_account([MARCH], TOLD[:2])
    assert of_one_file(account, 0) is account

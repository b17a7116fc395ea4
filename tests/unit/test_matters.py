from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from batch import matters
from batch.end_of_run import Ended
from batch.errors import Exit
from batch.matters import FORGOTTEN, Memory, News, after_run, matters_of
from batch.report.account import FileAccount
from tests.unit.report.accounts import make_account, make_table

NOW = 1_795_480_000_000
GOOD, BAD, WORSE = ("1", "7035", ""), ("2", "7.03E+15", ""), ("3", "", "")


def ended(*rows: tuple[tuple[str, str, str], str, str], file: str = "march.csv") -> Ended:
    """End a run over one file: beside each row its outcome and its purchase order."""
    table = make_table(*(cells for cells, _, _ in rows), path=f"in/{file}")
    return Ended(make_account([table], [(outcome, "Why.", order) for _, outcome, order in rows]), None, Exit.OK)


def run(memory: Memory, end: Ended, *, settled: tuple[str, ...] = (), at: int = NOW) -> tuple[Memory, News]:
    return after_run(memory, end, settled_orders=settled, at=at)


def orders(news: News) -> list[str]:
    return [matter.order for matter in news.matters]


def test_rows_that_need_a_person_are_matters_and_no_others() -> None:
    rows = [((str(n), "", ""), outcome, str(n)) for n, outcome in enumerate(("shipped", "held", "unknown", "skipped"))]
    found = matters_of(ended(*rows))
    assert [(matter.kind, matter.order, matter.file, matter.position) for matter in found] == [
        ("row", "1", "march.csv", 1),
        ("row", "2", "march.csv", 2),
    ]


def test_a_matter_is_news_once() -> None:
    memory, news = run(Memory(), ended((GOOD, "shipped", "101"), (BAD, "rejected", "102")))
    assert orders(news) == ["102"]
    memory, news = run(memory, ended((GOOD, "already_shipped", "101"), (BAD, "rejected", "102")))
    assert news == News()


def test_last_months_row_is_no_news_wherever_it_stands_now() -> None:
    memory, _ = run(Memory(), ended((BAD, "rejected", "102")))
    grown = ended((GOOD, "shipped", "101"), (WORSE, "rejected", "103"), (BAD, "rejected", "102"), file="grown.csv")
    memory, news = run(memory, grown, at=NOW + 30 * matters.DAY)
    assert orders(news) == ["103"]


def test_the_same_row_is_news_when_it_ends_otherwise_or_says_something_else() -> None:
    memory, _ = run(Memory(), ended((BAD, "held", "102")))
    memory, news = run(memory, ended((BAD, "refused", "102")))
    assert orders(news) == ["102"]
    _, news = run(memory, ended((("2", "7.04E+15", ""), "refused", "102")))
    assert orders(news) == ["102"]


def test_what_an_earlier_report_put_beside_a_row_makes_it_no_other() -> None:
    memory, _ = run(Memory(), ended((BAD, "held", "102")))
    table = make_table((*BAD, "held", "Why."), columns=("Order #", "Tracking Number", "Note", "_outcome", "_reason"))
    again = Ended(make_account([table], [("held", "Why.", "102")]), None, Exit.OK)
    assert run(memory, again)[1] == News()


def test_an_account_is_well_again_when_the_last_matter_is_settled() -> None:
    memory, _ = run(Memory(), ended((BAD, "rejected", "102"), (WORSE, "held", "103")))
    memory, news = run(memory, ended((GOOD, "shipped", "101")), settled=("102",))
    assert news == News()
    assert [known.order for known in memory.open.values()] == ["103"]
    memory, news = run(memory, ended((GOOD, "shipped", "101")), settled=("103",))
    assert news == News(well_again=True)
    memory, news = run(memory, ended((GOOD, "shipped", "101")))
    assert news == News()


def test_a_good_file_settles_nothing_of_another() -> None:
    memory, _ = run(Memory(), ended((BAD, "rejected", ""), file="march.csv"))
    memory, news = run(memory, ended((GOOD, "shipped", "101"), file="april.csv"))
    assert news == News()
    assert len(memory.open) == 1


@pytest.mark.parametrize("name", ["march.csv", "march.to_fix.csv", "march.xlsx"])
def test_a_row_without_an_order_is_settled_when_its_file_is_mended(name: str) -> None:
    memory, _ = run(Memory(), ended((BAD, "rejected", ""), file="march.csv"))
    _, news = run(memory, ended((GOOD, "shipped", "101"), file=name))
    assert news == News(well_again=True)


def test_a_file_that_still_has_a_matter_settles_none() -> None:
    memory, _ = run(Memory(), ended((BAD, "rejected", "")))
    memory, news = run(memory, ended((WORSE, "rejected", "")))
    assert len(news.matters) == 1
    assert len(memory.open) == 2


def test_a_settled_row_that_is_dropped_again_is_neither_news_nor_open() -> None:
    memory, _ = run(Memory(), ended((BAD, "rejected", "102")))
    memory, _ = run(memory, ended((GOOD, "shipped", "101")), settled=("102",))
    memory, news = run(memory, ended((BAD, "rejected", "102")))
    assert (news, memory.open) == (News(), {})


def test_a_file_that_cannot_be_read_is_a_matter_until_it_can() -> None:
    problem = FileAccount(path=Path("in/march.csv"), sha256="ab", problem="march.csv: it is a PDF.")
    broken = Ended(replace(make_account([], []), files=(problem,)), None, Exit.UNREADABLE)
    memory, news = run(Memory(), broken)
    assert [(matter.kind, matter.said) for matter in news.matters] == [("file", "march.csv: it is a PDF.")]
    memory, news = run(memory, broken)
    assert news == News()
    _, news = run(memory, ended((GOOD, "shipped", "101")))
    assert news.well_again


@pytest.mark.parametrize("exit_code", [Exit.FATAL, Exit.USAGE])
def test_a_run_that_could_not_go_on_is_a_matter_until_one_can_and_news_when_it_comes_again(exit_code: Exit) -> None:
    fatal = Ended(None, None, exit_code, "The marketplace refused the credentials (try 17).")
    memory, news = run(Memory(), fatal)
    assert [matter.said for matter in news.matters] == [fatal.message]
    memory, news = run(memory, replace(fatal, message="The marketplace refused the credentials (try 18)."))
    assert news == News()
    memory, news = run(memory, ended((GOOD, "shipped", "101")))
    assert news.well_again
    _, news = run(memory, fatal)
    assert len(news.matters) == 1


@pytest.mark.parametrize("exit_code", [Exit.TEMPORARY, Exit.BUSY, Exit.TERMINATED])
def test_what_goes_on_by_itself_is_no_matter(exit_code: Exit) -> None:
    assert matters_of(Ended(None, None, exit_code, "The time for this run was over.")) == []


def test_a_matter_that_is_never_met_again_is_taken_for_settled_in_silence() -> None:
    memory, _ = run(Memory(), ended((BAD, "rejected", "102")))
    memory, news = run(memory, ended((GOOD, "shipped", "101")), at=NOW + FORGOTTEN + 1)
    assert (news, memory.open) == (News(), {})


def test_only_so_many_matters_are_remembered_the_latest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matters, "MOST", 2)
    memory, _ = run(Memory(), ended((BAD, "rejected", "1"), (WORSE, "rejected", "2")))
    memory, _ = run(memory, ended((GOOD, "held", "3"), (BAD, "held", "4")), at=NOW + 1)
    assert sorted(known.order for known in memory.matters.values()) == ["3", "4"]


def test_a_resumed_run_is_about_no_whole_file_and_settles_none() -> None:
    memory, _ = run(Memory(), ended((BAD, "rejected", ""), (GOOD, "not_attempted", "101")))
    resumed = ended((GOOD, "shipped", "101"))
    assert resumed.account is not None
    memory, news = run(memory, replace(resumed, account=replace(resumed.account, command="resume")))
    assert news == News()
    assert len(memory.open) == 1

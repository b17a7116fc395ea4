from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from batch.end_of_run import Ended
from batch.errors import Exit
from batch.matters import News, matters_of
from batch.messages import daily_message, message
from batch.report.account import FileAccount
from batch.report.wording import headline
from tests.unit.report.accounts import make_account, make_table

TABLE = make_table(*([str(row), "7035", ""] for row in range(4)))
TOLD = [
    ("shipped", "", "101"),
    ("rejected", 'march.csv B3 Tracking Number "7.0E+15": Excel shows this number in E-notation', "102"),
    ("rejected", 'march.csv B4 Tracking Number "7.1E+15": Excel shows this number in E-notation', "103"),
    ("held", "The buyer asked to cancel.", "104"),
]
END = Ended(make_account([TABLE], TOLD), Path("reports/20261124"), Exit.NEEDS_PERSON)
HEADLINE = headline(make_account([TABLE], TOLD))
NEEDS = f"""\
{HEADLINE}
- 2 rows rejected (march.csv rows 3-4): Excel shows this number in E-notation.
- 1 row held (march.csv row 5): The buyer asked to cancel.
Files: in/march.csv
Report: reports/20261124"""


def told(end: Ended, news: News, *, digest: bool = False) -> tuple[str, str]:
    said = message("outlet", end, news, digest=digest)
    assert said is not None
    return said.title, said.body


def test_a_message_names_counts_reasons_places_files_and_the_report() -> None:
    title, body = told(END, News(matters=tuple(matters_of(END))))
    assert title == "shipbatch: account outlet needs a person: 3 rows"
    assert body == NEEDS


def test_the_reports_page_is_named_where_it_is_there(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("")
    _, body = told(replace(END, report=tmp_path), News(well_again=True))
    assert body.endswith(f"Report: {tmp_path}/report.html")


def test_only_what_is_new_is_told() -> None:
    (held,) = (matter for matter in matters_of(END) if matter.order == "104")
    title, body = told(END, News(matters=(held,)))
    assert title == "shipbatch: account outlet needs a person: 1 row"
    assert "The buyer asked to cancel." in body
    assert "E-notation" not in body


def test_no_news_is_no_message() -> None:
    assert message("outlet", END, News(), digest=False) is None


def test_it_is_told_when_all_is_well_again() -> None:
    title, body = told(Ended(make_account([TABLE], [("shipped", "", "1")] * 4), None, Exit.OK), News(well_again=True))
    assert title == "shipbatch: account outlet is well again"
    assert body.splitlines()[1] == "All that needed a person is settled."


def test_a_digest_tells_of_every_run_that_had_rows() -> None:
    title, body = told(END, News(), digest=True)
    assert title == f"shipbatch: account outlet: {HEADLINE}"
    assert "in/march.csv" in body
    assert message("outlet", Ended(make_account([], []), None, Exit.OK), News(), digest=True) is None
    assert message("outlet", Ended(None, None, Exit.BUSY, "Busy."), News(), digest=True) is None


def test_files_that_cannot_be_read_are_named_with_what_is_wrong() -> None:
    broken = FileAccount(path=Path("in/x.csv"), sha256="ab", problem="in/x.csv: it is a PDF.")
    account = replace(END, account=make_account([TABLE], TOLD, files=(broken,)))
    title, body = told(account, News(matters=tuple(matters_of(account))))
    assert title == "shipbatch: account outlet needs a person: 3 rows and 1 file that cannot be read"
    assert "- in/x.csv: it is a PDF." in body


@pytest.mark.parametrize("exit_code", [Exit.FATAL, Exit.USAGE])
def test_a_run_that_could_not_begin_is_told_with_what_it_means(exit_code: Exit) -> None:
    end = Ended(None, None, exit_code, "The marketplace refused the credentials.")
    title, body = told(end, News(matters=tuple(matters_of(end))))
    assert title == "shipbatch: account outlet needs a person: The marketplace refused the credentials."
    assert body == "- The marketplace refused the credentials.\nNothing more is sent until this is put right."


def test_many_reasons_and_files_are_cut_short() -> None:
    table = make_table(*([str(row), "", ""] for row in range(12)))
    rows = [("held", "x" * (row + 1), str(row)) for row in range(12)]
    files = tuple(FileAccount(path=Path(f"in/{number}.csv")) for number in range(12))
    end = Ended(make_account([table], rows, files=files), None, Exit.NEEDS_PERSON)
    _, body = told(end, News(matters=tuple(matters_of(end))))
    assert "- and 4 reasons more, all in the report" in body
    assert body.endswith("in/9.csv and 2 more")


def test_a_day_is_summed_up_over_its_runs() -> None:
    one = {"files": [{"path": "in/a.csv"}], "orders": {"total": 3, "shipped": 2, "held": 1}}
    two = {"files": [{"path": "in/a.csv"}, {"path": "in/b.csv"}], "orders": {"total": 1, "shipped": 1, "held": 0}}
    said = daily_message("outlet", [one, two], "2026-11-23")
    assert said is not None
    assert said.title == "shipbatch: account outlet: what was done"
    assert said.body.splitlines() == [
        "2 runs, 2 files since 2026-11-23.",
        "- 3 orders shipped",
        "- 1 order held",
        "Files: in/a.csv, in/b.csv",
    ]
    assert daily_message("outlet", [], "2026-11-23") is None


def test_a_report_that_cannot_be_written_is_told_and_keeps_nothing_from_being_sent() -> None:
    end = Ended(make_account([TABLE], [("shipped", "", "1")] * 4), None, Exit.FATAL, f"{'No room. ' * 20}End.")
    title, body = told(end, News(matters=tuple(matters_of(end))))
    assert title.endswith("No room. …")
    assert "Nothing more is sent" not in body
    assert "End." in body

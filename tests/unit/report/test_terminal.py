from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from batch.report.account import FINDING_COLUMNS, FileAccount, RunAccount
from batch.report.terminal import describe, next_steps
from tests.unit.report.accounts import STARTED, an_account, make_account, make_table, ordinary

FOLDER = Path("/reports/20261124-002640-3f2a")


def shown(account: RunAccount, folder: Path | None = FOLDER, *, width: int = 80, encoding: str = "utf-8") -> str:
    buffer = io.BytesIO()
    with io.TextIOWrapper(buffer, encoding=encoding) as file:
        Console(file=file, width=width).print(describe(account, folder))
        file.flush()
        return buffer.getvalue().decode(encoding)


def test_a_summary_ends_with_what_to_do_and_the_reports_path() -> None:
    lines = shown(ordinary(), width=120).rstrip().splitlines()
    at = lines.index("What to do")
    assert f"Mend {FOLDER}/to_fix/march.csv and drop it again." in lines[at + 1]
    assert "shipbatch settle PO --as shipped|send|drop --note TEXT" in lines[at + 2]
    assert "shipbatch resume looks once more" in lines[at + 3]
    assert lines[-1] == f"Report: {FOLDER}"


def test_the_path_is_the_pages_where_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "report.html").touch()
    assert shown(ordinary(), tmp_path, width=300).rstrip().endswith("report.html")


@pytest.mark.parametrize("width", [20, 40, 59, 60, 120])
def test_no_line_is_wider_than_the_terminal_and_no_figure_is_cut(width: int) -> None:
    told = shown(ordinary(), width=width)
    assert max(map(len, told.splitlines())) <= width
    if width >= 40:
        assert "not attempted" in told
        assert "This is why it is rejected." in " ".join(told.split())


def test_no_colours_and_no_commands_reach_what_is_no_terminal() -> None:
    table = make_table(["1", "x", ""])
    told = shown(make_account([table], [("rejected", 'B2 x "\x1b[2Jboo\x07\x9b": Bad \x1b[31mred.', "1")]))
    assert all(character.isprintable() or character == "\n" for character in told)


def test_a_terminal_without_unicode_gets_plain_characters() -> None:
    told = shown(dataclasses.replace(ordinary(), interrupted=True), encoding="ascii")
    assert "INTERRUPTED" in told
    assert "#" in told
    assert "default - 1 min 5 s" in told


def test_many_kinds_of_reasons_are_cut_with_a_word() -> None:
    reasons = ["Alpha.", "Beta.", "Gamma.", "Delta.", "Epsilon.", "Zeta.", "Eta."]
    table = make_table(*[["1", "x", ""]] * len(reasons))
    told = shown(make_account([table], [("rejected", reason, "1") for reason in reasons], requests={"throttled": 2}))
    assert "and 2 more reasons, all in the report" in told
    assert "told to wait 2 times" in told


def test_a_reason_shows_a_cell_and_what_stands_in_it() -> None:
    table = make_table(*[["1", "x", ""]] * 3)
    told = [("rejected", f'march.csv B{row} x "7.0{row}E+15": It is ruined.', str(row)) for row in (2, 3)]
    lone = ("rejected", f'march.csv B4 x "{"1" * 300}": It is long.', "4")
    lines = " ".join(shown(make_account([table], [*told, lone]), width=300).split())
    assert 'It is ruined. march.csv rows 2-3; for example: march.csv B2 x "7.02E+15"' in lines
    assert f'It is long. march.csv B4 x "{"1" * 144} …' in lines


def test_a_check_without_a_report_says_how_to_get_one() -> None:
    reasons = ["Alpha.", "Beta.", "Gamma.", "Delta.", "Epsilon.", "Zeta."]
    table = make_table(*[["1", "x", ""]] * len(reasons))
    account = make_account([table], [("rejected", reason, "1") for reason in reasons], ready=True)
    told = shown(account, None, width=120)
    assert "and 1 more reason, all in --report" in told
    assert "`--report FOLDER` writes a report, with every reason and the rows to mend." in told
    assert "--report" not in shown(account)


def test_what_is_unknown_comes_first_and_then_what_is_most_frequent() -> None:
    table = make_table(*[["1", "x", ""]] * 6)
    told = [("rejected", "Rare.", "1"), *[("held", "Often.", "2")] * 3, ("unknown", "Lost.", "3")]
    lines = shown(make_account([table], [*told, ("rejected", "Rarer.", "4")])).split()
    assert [word for word in lines if word in ("Lost.", "Often.", "Rare.", "Rarer.")] == [
        "Lost.",
        "Often.",
        "Rare.",
        "Rarer.",
    ]


@pytest.mark.parametrize(
    ("account", "folder", "steps"),
    [
        (an_account("shipped"), FOLDER, []),
        (an_account("not_attempted"), FOLDER, ["Go on with what is left: shipbatch resume"]),
        (an_account("rejected"), None, ["Mend the rows named above and drop the file again."]),
        (
            RunAccount(
                run="r",
                account="a",
                command="run",
                files=(
                    FileAccount(path=Path("x/a.pdf"), problem="a.pdf is no spreadsheet."),
                    FileAccount(path=Path("b.csv"), problem="It is empty."),
                ),
            ),
            FOLDER,
            ["a.pdf is no spreadsheet.", "b.csv: It is empty."],
        ),
    ],
)
def test_the_next_steps_are_named(account: RunAccount, folder: Path | None, steps: list[str]) -> None:
    assert next_steps(account, folder) == steps


def test_several_files_to_mend_are_named_by_their_folder() -> None:
    tables = [make_table(["1", "x", ""], path=f"{name}.csv") for name in "abcd"]
    account = make_account(tables, [("rejected", "Why.", "")] * 4)
    assert next_steps(account, FOLDER) == [f"Mend the 4 files in {FOLDER}/to_fix and drop them again."]


def test_paths_are_told_from_the_working_folder_where_that_is_shorter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    account = an_account("rejected")
    assert next_steps(account, tmp_path / "reports" / "r") == ["Mend reports/r/to_fix/march.csv and drop it again."]
    assert next_steps(account, Path("/r")) == ["Mend /r/to_fix/march.csv and drop it again."]


def test_a_reason_and_its_places_stand_on_lines_of_their_own() -> None:
    tables = [make_table(["1", "x", ""], path=f"{name}.csv") for name in "abcd"]
    lines = shown(make_account(tables, [("rejected", "B2: Bad.", "")] * 4)).splitlines()
    at = next(at for at, line in enumerate(lines) if "Bad." in line)
    assert lines[at].split() == ["rejected", "4", "rows", "Bad."]
    assert lines[at + 1].strip() == "a.csv row 2; b.csv row 2; 2 more files"


def test_warnings_are_told_though_all_is_shipped() -> None:
    found = pd.DataFrame(
        [(0, 0, 1, "warning", 'march.csv B2 t "1": The digit is wrong.'), (0, 1, -1, "warning", "row 3: It is odd.")],
        columns=list(FINDING_COLUMNS),
    )
    told = " ".join(shown(an_account("shipped", "shipped", findings=found)).split())
    assert "All 2 orders are shipped." in told
    assert "default · 1 min 5 s · 2 warnings" in told
    assert "warning 2 rows It is odd. And 1 more kind, all in the report. march.csv row 3" in told


def test_on_a_narrow_terminal_each_reason_has_a_line_above_it() -> None:
    lines = [line.strip() for line in shown(an_account("rejected", "rejected"), width=40).splitlines()]
    at = lines.index("rejected, 2 rows")
    assert lines[at + 1 : at + 3] == ["Why.", "march.csv rows 2-3"]


def test_deadlines_are_told_as_far_as_they_are_known() -> None:
    account = an_account("shipped", "shipped", "held", "held", "already_shipped", timezone="America/Toronto")
    account.orders["ship_by"] = [STARTED + 9_000, STARTED, STARTED, STARTED + 90_000, STARTED]
    told = " ".join(shown(account).split())
    assert "Deadlines: 1 met, 1 missed, 1 past and not shipped, next 2026-11-23 19:28" in told
    account.orders["ship_by"] = 0
    assert "Deadlines" not in shown(account)


def test_a_run_without_orders_is_still_told() -> None:
    told = shown(RunAccount(run="r", account="a", command="run"), None)
    assert "Nothing to do" in told
    assert "Report" not in told


@pytest.mark.parametrize(("code", "colour"), [(0, "32"), (1, "33"), (6, "31")])
def test_the_headlines_colour_says_how_grave_it_is(code: int, colour: str) -> None:
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=True, color_system="standard", no_color=False)
    console.print(describe(an_account("shipped", exit_code=code)))
    assert f"\x1b[1;{colour}m" in file.getvalue()

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import pytest
from rich.console import Console

from batch.report.account import FileAccount, RunAccount
from batch.report.terminal import describe, headline, next_steps
from tests.unit.report.accounts import make_account, make_table, ordinary

FOLDER = Path("/reports/20261124-002640-3f2a")


def shown(account: RunAccount, folder: Path | None = FOLDER, *, width: int = 80, encoding: str = "utf-8") -> str:
    buffer = io.BytesIO()
    with io.TextIOWrapper(buffer, encoding=encoding) as file:
        Console(file=file, width=width).print(describe(account, folder))
        file.flush()
        return buffer.getvalue().decode(encoding)


def an_account(*outcomes: str, **fields: object) -> RunAccount:
    table = make_table(*([str(index), "x", ""] for index in range(len(outcomes))))
    return make_account([table], [(outcome, "Why.", str(index)) for index, outcome in enumerate(outcomes)], **fields)


@pytest.mark.parametrize(
    ("account", "said"),
    [
        (an_account(), "Nothing to do: no order was found."),
        (an_account("shipped"), "The one order is shipped."),
        (an_account("shipped", "already_shipped"), "All 2 orders are shipped."),
        (an_account("shipped", "skipped"), "All 2 orders are shipped or skipped."),
        (an_account("held"), "0 of 1 order is shipped; 1 needs a person."),
        (an_account("shipped", "held", "refused"), "1 of 3 orders are shipped; 2 need a person."),
        (an_account("shipped", "not_attempted"), "1 of 2 orders are shipped; 1 is still to be sent."),
        (
            an_account("unknown", "not_attempted", "not_attempted"),
            "0 of 3 orders are shipped; 1 needs a person, 2 are still to be sent.",
        ),
        (an_account("ready", "held", ready=True), "1 of 2 orders would be sent. Nothing was sent."),
        (
            an_account("ready", ready=True, seconds_to_send=10_020.0),
            "1 of 1 order would be sent, which takes about 2 h 47 min. Nothing was sent.",
        ),
    ],
)
def test_the_run_is_said_in_one_sentence(account: RunAccount, said: str) -> None:
    assert headline(account) == said


def test_a_summary_ends_with_what_to_do_and_the_reports_path() -> None:
    lines = shown(ordinary(), width=120).rstrip().splitlines()
    at = lines.index("What to do")
    assert "Mend to_fix/march.csv and drop it again." in lines[at + 1]
    assert "shipbatch resume looks once more" in lines[at + 2]
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
    assert "and 2 more, all in the report" in told
    assert "told to wait 2 times" in told


@pytest.mark.parametrize(
    ("account", "written", "steps"),
    [
        (an_account("shipped"), True, []),
        (an_account("not_attempted"), True, ["Go on with what is left: shipbatch resume"]),
        (an_account("rejected"), False, ["Mend the rows named above and drop the file again."]),
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
            True,
            ["a.pdf is no spreadsheet.", "b.csv: It is empty."],
        ),
    ],
)
def test_the_next_steps_are_named(account: RunAccount, *, written: bool, steps: list[str]) -> None:
    assert next_steps(account, written=written) == steps


def test_several_files_to_mend_are_named_up_to_three() -> None:
    tables = [make_table(["1", "x", ""], path=f"{name}.csv") for name in "abcd"]
    account = make_account(tables, [("rejected", "Why.", "")] * 4)
    assert next_steps(account) == ["Mend to_fix/a.csv, to_fix/b.csv, to_fix/c.csv and 1 more and drop them again."]


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

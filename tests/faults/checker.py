"""The proof: what the marketplace charged, against what the files said and what the reports tell.

`check` reads the sandbox's own charge counter, not our word for it. It holds for every moment at which all has ended:
after a run that went well, and after any crashes, faults and resumes.
"""

from __future__ import annotations

import csv
import json
import sqlite3
import zipfile
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batch.journal.database import Database
from batch.sandbox.answers import BUYER_MARKERS
from batch.sandbox.demo import KEY_FILE
from tests.faults.parcels import units_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.faults.ordeal import Ordeal
    from tests.faults.parcels import Key

WELL = frozenset({"shipped", "already_shipped"})
_OPEN = frozenset({"unknown", "not_attempted"})
_JUST_SENT = frozenset({"ship", "edit", "acknowledge"})

Place = tuple[str, str, str, int]  # path and content of the file, sheet, row


@dataclass(frozen=True, slots=True)
class Report:
    """A report as it lies in its folder."""

    summary: Mapping[str, Any]
    rows: tuple[Mapping[str, str], ...]

    @property
    def places(self) -> list[Place]:
        """Where its rows stand in their files."""
        contents = {file["path"]: file["sha256"] for file in self.summary["files"]}
        return [(row["_file"], contents[row["_file"]], row["_sheet"], int(row["_row"])) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Figures:
    """What was proved, in figures."""

    orders: int
    units: int
    deaths: int
    faults: int
    requests: int  # that change an order


def check(ordeal: Ordeal, *files: Path, orders: int, faults: int = 1, journal_lost: bool = False) -> Figures:
    """Assert that nothing was charged twice, nothing was lost and no report lies, now that all has ended.

    `orders` and `faults` (deaths included): at least so many, or nothing was shown. `journal_lost`: a run began
    without what earlier ones had written.
    """
    check_recovered(ordeal, *files, journal_lost=journal_lost)
    reports = read_reports(ordeal.folder / "reports")
    _tell_of_every_row(reports, files)
    outcomes = last_outcomes(reports)
    _have_all_ended(outcomes)
    _send_nothing_more(ordeal, files, outcomes)
    check_meanwhile(ordeal, *files, journal_lost=journal_lost)
    keep_secrets(ordeal)
    figures = _figures(ordeal, files)
    assert figures.orders >= orders, f"only {figures.orders} orders: nothing was shown"
    assert figures.deaths + figures.faults >= faults, "nothing went wrong: nothing was shown"
    return figures


def check_recovered(ordeal: Ordeal, *files: Path, journal_lost: bool = False) -> None:
    """Assert what must hold once `resume` has nothing left to do: all that was charged is told, nothing is open."""
    write_missing_reports(ordeal)
    check_meanwhile(ordeal, *files, journal_lost=journal_lost)
    reports = read_reports(ordeal.folder / "reports")
    well = {key_of(row) for row in last_outcomes(reports).values() if row["_outcome"] in WELL}
    units, there = units_in(files), ordeal.shipped_there
    lost = {key: units[key] for key in well if there.get(key, 0) != units[key]}
    assert not lost, f"told to be shipped, but it is not: {lost}"
    untold = ordeal.units_charged.keys() - well
    assert not untold, f"charged, but no report says shipped: {untold}"
    assert not (left := unfinished(ordeal)), f"not ended: {left}"


def check_meanwhile(ordeal: Ordeal, *files: Path, journal_lost: bool = False) -> None:
    """Assert what must hold at any time, whatever is still to be done."""
    reports = read_reports(ordeal.folder / "reports")
    _charge_no_more_than_the_files_say(ordeal.units_charged, units_in(files))
    _charge_no_more_than_was_ordered(ordeal)
    _tell_of_no_row_twice(reports)
    _call_shipped_what_is_shipped(ordeal, reports)
    if not journal_lost:
        _have_every_call_on_record(ordeal)


def write_missing_reports(ordeal: Ordeal) -> None:
    """Have the report of every run written that did not come to writing its own."""
    for run in ordeal.history():
        if not (ordeal.folder / "reports" / run["run"]).is_dir():
            told = ordeal.does("report", run["run"])
            assert told.code == 0, f"the report of {run['run']} cannot be written: {told}"


def read_reports(folder: Path) -> list[Report]:
    """Return all reports, the oldest first. What lies in the folder besides is what a crash left aside."""
    reports = []
    for one in folder.glob("[!.]*"):
        with (one / "rows.csv").open(newline="", encoding="utf-8-sig") as stream:
            rows = tuple(csv.DictReader(stream))
        reports.append(Report(json.loads((one / "summary.json").read_bytes()), rows))
    return sorted(reports, key=lambda report: str(report.summary["started_at"]))


def last_outcomes(reports: Sequence[Report]) -> dict[Place, Mapping[str, str]]:
    """Return every row as the last report tells of it."""
    return {place: row for report in reports for place, row in zip(report.places, report.rows, strict=True)}


def _tell_of_no_row_twice(reports: Sequence[Report]) -> None:
    for report in reports:
        run, told = report.summary["run"], report.summary["rows"]
        assert len(set(report.places)) == len(report.rows), f"{run} tells of a row twice"
        assert told["total"] == len(report.rows), f"{run} counts {told['total']} rows and tells of {len(report.rows)}"
        assert told["total"] == sum(count for outcome, count in told.items() if outcome != "total"), run


def _tell_of_every_row(reports: Sequence[Report], files: Sequence[Path]) -> None:
    for file in files:
        told_of = [
            sorted(int(row["_row"]) for row in report.rows if row["_file"] == str(file))
            for report in reports
            if any(one["path"] == str(file) for one in report.summary["files"])
        ]
        assert _data_rows(file) in told_of, f"no report tells of every row of {file}"


def _data_rows(file: Path) -> list[int]:
    with file.open(newline="", encoding="utf-8-sig") as stream:
        return list(range(2, 1 + sum(1 for _ in csv.reader(stream))))


def _charge_no_more_than_the_files_say(charged: Mapping[Key, int], units: Mapping[Key, int]) -> None:
    assert charged.keys() <= units.keys(), f"charged, but in no file: {charged.keys() - units.keys()}"
    too_many = {key: (count, units[key]) for key, count in charged.items() if count > units[key]}
    assert not too_many, f"charged too often (charged, in the file): {too_many}"


def _charge_no_more_than_was_ordered(ordeal: Ordeal) -> None:
    """Without preflight only the marketplace knows what was ordered, and this one is told to let everything through."""
    if "preflight = false" in ordeal.settings.read_text():
        return
    charged: Counter[tuple[str, str]] = Counter()
    for (order, line, _), units in ordeal.units_charged.items():
        charged[order, line] += units
    known = ordeal.sandbox.state.orders
    ordered = {key: known[key[0]].lines[key[1]].quantity for key in charged if key[0] in known}
    assert not (charged - Counter(ordered)), f"more was charged than was ordered: {charged - Counter(ordered)}"


def _have_all_ended(outcomes: Mapping[Place, Mapping[str, str]]) -> None:
    not_ended = {place: row["_outcome"] for place, row in outcomes.items() if row["_outcome"] in _OPEN}
    assert not not_ended, f"these rows have not ended: {not_ended}"


def key_of(row: Mapping[str, str]) -> Key:
    """Return which parcel a row of a report is about."""
    return row["_purchase_order_id"], row["lineNumber"], row["trackingNumber"]


def _call_shipped_what_is_shipped(ordeal: Ordeal, reports: Sequence[Report]) -> None:
    for report in reports:
        assert not (lies := lies_in(ordeal, report)), f"{report.summary['run']} lies: {lies}"


def lies_in(ordeal: Ordeal, report: Report) -> list[Mapping[str, str]]:
    """Return the rows of a report that are said to be shipped, and are not, or not by us where it says so."""
    there, charged = ordeal.shipped_there, ordeal.units_charged
    return [
        row
        for row in report.rows
        if (row["_outcome"] in WELL and there.get(key_of(row), 0) < int(row["quantity"]))
        or (row["_outcome"] == "shipped" and charged.get(key_of(row), 0) < int(row["quantity"]))
    ]


def _have_every_call_on_record(ordeal: Ordeal) -> None:
    """Every call that came there is in the journal, and each had an id of its own."""
    came = [one.correlation_id for one in ordeal.sandbox.counters.log if one.kind in _JUST_SENT]
    assert len(set(came)) == len(came), "two calls had one correlation id"
    recorded = {row[0] for row in in_journal(ordeal, "SELECT correlation_id FROM attempts")}
    assert set(came) <= recorded, "a call came there of which the journal knows nothing"


def unfinished(ordeal: Ordeal) -> list[tuple[str, str]]:
    """Return the purchase orders that the journal has not brought to an end, and where they stand."""
    return in_journal(
        ordeal, "SELECT purchase_order_id, state FROM orders WHERE state IN ('planned', 'sending', 'unknown')"
    )


def in_journal(ordeal: Ordeal, query: str) -> list[Any]:
    """Ask the journal itself; nothing where it was never made."""
    if ordeal.journal:
        with closing(Database(ordeal.journal)) as database:
            if not database.exists:
                return []
            with database.reading() as connection:
                return [tuple(row) for row in connection.exec_driver_sql(query)]
    file = ordeal.folder / "state" / "journal.db"
    if not file.exists():
        return []
    with closing(sqlite3.connect(f"file:{file}?mode=rw", uri=True)) as journal:
        if not journal.execute("SELECT name FROM sqlite_master WHERE name = 'orders'").fetchall():
            return []
        return journal.execute(query).fetchall()


def _send_nothing_more(ordeal: Ordeal, files: Sequence[Path], before: Mapping[Place, Mapping[str, str]]) -> None:
    asked = ordeal.changes_asked
    again = ordeal.does("run", *files, "--json")
    assert ordeal.changes_asked == asked, f"a further run sent something: {again}"
    paths = {str(file) for file in files}
    was = _ends(row for (path, *_), row in before.items() if path in paths)
    is_ = _ends(read_reports(ordeal.folder / "reports")[-1].rows)
    for parcel in was.keys() & is_.keys():
        same = was[parcel] == is_[parcel] or was[parcel] | is_[parcel] <= WELL
        assert same, f"{parcel} was {was[parcel]}, and is {is_[parcel]} in a further run"


def _ends(rows: Iterable[Mapping[str, str]]) -> dict[Key, set[str]]:
    """Return how the rows of each parcel ended. Which of its rows is taken for the repeat of another is all one."""
    ends: defaultdict[Key, set[str]] = defaultdict(set)
    for row in rows:
        if row["_outcome"] != "skipped":
            ends[key_of(row)].add(row["_outcome"])
    return ends


def keep_secrets(ordeal: Ordeal) -> None:
    """Assert that no secret stands in any output, log, report or file of the journal."""
    secrets = secrets_of(ordeal)
    for where, content in written_by(ordeal):
        told = [secret[:12] for secret in secrets if secret in content]
        assert not told, f"{where} has a secret: {told}"


def secrets_of(ordeal: Ordeal) -> set[bytes]:
    """Return what nobody may read: secrets of the settings, tokens, signatures, the private key's text, the buyer."""
    key = (ordeal.folder / KEY_FILE).read_text().splitlines()[1:-1]
    clients = [seller.client_secret for seller in ordeal.sandbox.options.sellers]
    basic = [text.removeprefix("Basic ") for text in ordeal.overheard]
    return {secret.encode() for secret in (*key, *clients, *basic, *BUYER_MARKERS, "sandbox-token-") if secret}


def written_by(ordeal: Ordeal) -> Iterator[tuple[str, bytes]]:
    """Return all that the commands printed, and every file of the folder but those that hold the secrets."""
    for ran in ordeal.ran:
        yield "an output", (ran.out + ran.err).encode()
    for path in ordeal.folder.rglob("*"):
        if not path.is_file() or path.name == KEY_FILE or path.name.endswith(".secret.txt"):
            continue
        yield str(path), path.read_bytes()
        if path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as book:
                yield from ((f"{path} {name}", book.read(name)) for name in book.namelist())


def _figures(ordeal: Ordeal, files: Sequence[Path]) -> Figures:
    units = units_in(files)
    return Figures(
        orders=len({order for order, _, _ in units}),
        units=sum(ordeal.units_charged.values()),
        deaths=ordeal.deaths,
        faults=sum(ordeal.sandbox.faults.fired.values()),
        requests=ordeal.changes_asked,
    )

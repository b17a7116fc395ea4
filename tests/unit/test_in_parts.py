"""A file in parts gives the very same plan as the file as a whole."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from batch.draft import Examined, draft_of, examined, judge
from batch.errors import UnreadableFile
from batch.grouping import Bucket, KeysOfLines, dealt, grouped, laid_together, met
from batch.in_parts import examined_part, settled, table_of
from batch.plan import make_plan, planned
from batch.reading import read_shipments
from batch.reading.division import divided
from batch.reading.spilling import spilled
from batch.reading.table import Limits
from batch.reading.text import in_memory
from tests.unit.reading.making import PROFILES, TORONTO, source
from tests.unit.tables import NOW, policy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from batch.draft import Policy
    from batch.grouping import Dealt
    from batch.in_parts import Clues, ExaminedPart, Keep
    from batch.plan import Plan
    from batch.reading.division import Division, Part
    from batch.reading.shipments import Recognised
    from batch.reading.table import Source

EXAMPLES = 12
HEADER = [
    *("purchaseOrderId", "customerOrderId", "lineNumber", "sku", "quantity", "carrier", "trackingNumber", "methodCode"),
    *("shipDateTime", "shipFromCountry", "Note", ""),
]
CELLS = {
    "purchaseOrderId": [
        *("309121065891123", "309121065891124", "309121065891125", "309 121 065 891 125", "'309121065891124"),
        *("3.09E+14", "", "Total", *(f"30912106589112{number}0" for number in range(7))),
    ],
    "customerOrderId": ["", "5000001764199", "5000001764200", "5000001 764200", "x y", "5.0E+12"],
    "lineNumber": ["1", "2", "", "1.0", "01", "x"],
    "sku": ["BOOT-44", "", "MITAINE 7", "\u00a0BOOT-44"],
    "quantity": ["1", "2", "", "0", "2.0", "#N/A", "45000"],
    "carrier": [
        *("Canada Post", "UPS", "Lettermail", "", "Nationex", "SociÃ©tÃ©", "Chit Chats", "Stallion", "Intelcom"),
        "FedEx",
    ],
    "trackingNumber": [
        *("7035114477138472", "0073938000549297", "73938000549297", "7.03511E+15", "1Z5R89390357567127", "7035 1144"),
        *("", "ABCDEF", '="0073938000549297"', *(f"70351144771384{number}" for number in range(71, 79))),
        *(f"7035114477138{number}0" for number in range(10, 17)),
    ],
    "methodCode": ["", "Standard", "Express", "Ground", *(f"service {number}" for number in range(60))],
    "shipDateTime": [
        *("2026-11-23", "2026-11-23 10:00", "23/11/2026", "11/23/2026", "03/11/2026", "11/11/2026", "46349.5", "soon"),
        *("", "2026-12-24", "Nov 22, 2026 3:05 PM", "2026-11-23T10:00:00.123Z", "2026-02-30", "2026-11-25"),
    ],
    "shipFromCountry": ["", "CA", "Canada", "usa", "Narnia"],
    "Note": ["", 'é, "quoted"', "two\nlines", "-1", "voided"],
    "": ["", "", "", "more"],
}  # fmt: skip


@st.composite
def files(draw: st.DrawFn) -> str:
    """Return a text whose columns have a few kinds of cells each, as files have; now and then one that is not sound."""
    some = {name: draw(st.lists(st.sampled_from(CELLS[name]), min_size=1, max_size=4)) for name in HEADER}
    some["methodCode"] = draw(st.sampled_from([some["methodCode"], CELLS["methodCode"]]))
    some["trackingNumber"] = draw(st.sampled_from([some["trackingNumber"], CELLS["trackingNumber"][9:17]]))
    row = st.tuples(*(st.sampled_from(some[name]) for name in HEADER))
    rows = draw(st.lists(st.one_of(row, st.just(("",) * len(HEADER)), st.just(tuple(HEADER))), min_size=2, max_size=12))
    text = io.StringIO(newline="")
    writer = csv.writer(
        text, delimiter=draw(st.sampled_from(",;")), lineterminator=draw(st.sampled_from(["\n", "\r\n"]))
    )
    writer.writerows([HEADER, *rows])
    written = text.getvalue()
    if draw(st.integers(0, 9)):
        return written
    end = draw(st.sampled_from(["", "\n", "x\n", '"', "1,2\n", "\ufeff\n"]))
    return written[: draw(st.sampled_from([len(written), -1, -3]))] + end


def of_parts(
    division: Division, policy: Policy, keep: Keep = in_memory
) -> tuple[Recognised, Examined, list[ExaminedPart]] | None:
    def examine(division: Division, parts: Sequence[Part]) -> list[tuple[Clues, ExaminedPart | None] | None]:
        return [examined_part(division, part, division.content(part), policy) for part in parts]

    found = settled(division, examine)
    if found is None:
        return None
    division, clues, rows = found
    parts = [part for part in rows if part is not None]
    return (*table_of(division, clues, parts, keep), parts)


def plan_in_parts(
    sources: Sequence[Source], policy: Policy, *, part: int, buckets: int, keep: Keep = in_memory
) -> tuple[Plan, int]:
    """Plan files in parts, those that can be; return how many parts there were, too."""
    tables: list[tuple[Recognised, Examined]] = []
    pieces: list[list[Dealt]] = []
    heights: list[int] = []
    count = 0
    for file in sources:
        division = divided(file, PROFILES, zone=TORONTO, undated_at=policy.now_ms, part=part)
        found = division and of_parts(division, policy, keep)
        if found:
            tables.append(found[:2])
            pieces += [one.dealt(buckets) for one in found[2]]
            heights += [len(one.rows) for one in found[2]]
            count += len(found[2])
        else:
            for one in read_shipments(file, PROFILES, zone=TORONTO, undated_at=policy.now_ms):
                tables.append((one, examined(one, policy)))
                ready = draft_of((one,), [tables[-1][1]])
                judge(ready)
                pieces.append(dealt(KeysOfLines(ready.lines, ready.state == 0), buckets))
                heights.append(len(ready.row))
    draft = draft_of(tuple(one for one, _ in tables), [it for _, it in tables])
    judge(draft)
    starts = np.cumsum([0, *heights])[:-1].tolist()
    of_buckets = [met([piece[bucket] for piece in pieces], starts) for bucket in range(buckets)]
    groups = laid_together([Bucket(keys.position, grouped(keys)) for keys in of_buckets])
    return planned(draft, groups, policy), count


def assert_same(one: Plan, other: Plan) -> None:
    for name in ("rows", "orders", "lines", "notes"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))
    np.testing.assert_array_equal(one.sent, other.sent)
    for ours, theirs in zip(one.shipments, other.shipments, strict=True):
        pd.testing.assert_frame_equal(ours.table.cells, theirs.table.cells)
        np.testing.assert_array_equal(ours.table.rows, theirs.table.rows)
        for name in ("source", "sheet", "header_row", "columns", "kinds", "notes", "faults", "unterminated"):
            assert getattr(ours.table, name) == getattr(theirs.table, name)
        assert (ours.profile, ours.origins) == (theirs.profile, theirs.origins)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=EXAMPLES)
@given(
    texts=st.lists(files(), min_size=1, max_size=2),
    part=st.sampled_from([60, 200, 600]),
    buckets=st.integers(1, 5),
    on_bad_row=st.sampled_from(["hold-order", "send-rest"]),
    dropped=st.booleans(),
    strict=st.booleans(),
)
def test_any_files_give_the_same_plan_in_parts_of_any_size(
    tmp_path: Path, texts: list[str], part: int, buckets: int, on_bad_row: str, *, dropped: bool, strict: bool
) -> None:
    sources = [source(tmp_path, text, f"{place}.csv") for place, text in enumerate(texts)]
    with_it = policy(on_bad_row=on_bad_row, dropped=dropped, strict_tracking=strict)
    read, refused = [], ""
    try:
        read = [one for file in sources for one in read_shipments(file, PROFILES, zone=TORONTO, undated_at=NOW)]
    except UnreadableFile as error:
        refused = str(error)
    if refused:
        event("refused")
        with pytest.raises(UnreadableFile) as caught:
            plan_in_parts(sources, with_it, part=part, buckets=buckets)
        assert str(caught.value) == refused
        return
    plan, count = plan_in_parts(sources, with_it, part=part, buckets=buckets)
    event("in parts" if count else "as a whole")
    assert_same(plan, make_plan(read, with_it))


# What only the whole tells

GOOD = {
    "purchaseOrderId": "309121065891123",
    "carrier": "Canada Post",
    "trackingNumber": "7035114477138472",
    "shipDateTime": "2026-11-23",
}


def written(*rows: dict[str, str], end: str = "\n") -> str:
    lines = [",".join(GOOD), *(",".join((GOOD | row).values()) for row in rows)]
    return "\n".join(lines) + end


def settled_parts(tmp_path: Path, text: str, *, part: int = 1) -> tuple[Division, list[Sequence[Part]]] | None:
    """Return how parts were settled, and which were examined each time."""
    division = divided(source(tmp_path, text), PROFILES, zone=TORONTO, part=part)
    assert division is not None
    rounds: list[Sequence[Part]] = []

    def examine(division: Division, parts: Sequence[Part]) -> list[tuple[Clues, ExaminedPart | None] | None]:
        rounds.append(parts)
        return [examined_part(division, part, division.content(part), policy()) for part in parts]

    found = settled(division, examine)
    return found and (found[0], rounds)


def assert_same_in_parts(tmp_path: Path, text: str, *, parts: int) -> Plan:
    one = source(tmp_path, text)
    plan, count = plan_in_parts([one], policy(), part=1, buckets=2)
    assert count == parts
    assert_same(plan, make_plan(read_shipments(one, PROFILES, zone=TORONTO, undated_at=NOW), policy()))
    return plan


def test_a_part_whose_dates_fit_two_orders_is_told_by_another(tmp_path: Path) -> None:
    text = written({"shipDateTime": "11/05/2026"}, {"shipDateTime": "11/23/2026"}, {"shipDateTime": "11/11/2026"})
    found = settled_parts(tmp_path, text)
    assert found is not None
    division, rounds = found
    assert [part.date_order for part in division.parts] == ["month-first", "", ""]
    assert list(map(len, rounds)) == [3, 1]
    assert_same_in_parts(tmp_path, text, parts=3)


@pytest.mark.parametrize("dates", [("11/05/2026", "11/05/2026"), ("23/11/2026", "11/23/2026")])
def test_dates_that_no_part_or_parts_tell_in_two_ways_are_left_to_the_whole(
    tmp_path: Path, dates: Sequence[str]
) -> None:
    assert settled_parts(tmp_path, written(*({"shipDateTime": date} for date in dates))) is None


def test_a_number_that_was_rounded_in_one_part_makes_those_of_others_rounded(tmp_path: Path) -> None:
    text = written({"purchaseOrderId": "3091210658911260"}, {}, {"purchaseOrderId": "3.09E+14"})
    found = settled_parts(tmp_path, text)
    assert found is not None
    assert list(map(len, found[1])) == [3, 1]
    assert [bool(part.noughts) for part in found[0].parts] == [True, False, False]
    plan = assert_same_in_parts(tmp_path, text, parts=3)
    assert plan.rows["outcome"].tolist() == ["rejected", "", "rejected"]


def test_numbers_that_count_up_across_cuts_are_seen_together(tmp_path: Path) -> None:
    numbers = [f"70351144771384{number}" for number in (30, 72, 73, 74, 75, 90)]
    text = written(*({"purchaseOrderId": f"30912106589112{n}", "trackingNumber": it} for n, it in enumerate(numbers)))
    found = settled_parts(tmp_path, text)
    assert found is not None
    assert list(map(len, found[1])) == [6, 1]
    plan = assert_same_in_parts(tmp_path, text, parts=len(found[0].parts))
    assert [("counts up" in reason) for reason in plan.rows["reason"].tolist()][2:5] == [True, True, True]


def test_what_many_rows_share_is_told_once_for_all_parts(tmp_path: Path) -> None:
    plan = assert_same_in_parts(tmp_path, written(*[{"purchaseOrderId": "309 121 065 891 125"}] * 4), parts=4)
    told = 'file.csv A2 purchaseOrderId "309 121 065 891 125": spaces and dashes inside the number taken out'
    assert plan.notes["reason"].tolist() == [f"{told} (here and in 3 more rows)"]


def test_a_column_that_only_one_part_changes_is_whole_again(tmp_path: Path) -> None:
    text = written({}, {"trackingNumber": "7035 1144 7713 8472"}, {"trackingNumber": ""})
    plan = assert_same_in_parts(tmp_path, text, parts=3)
    assert plan.lines["tracking_number"].tolist() == ["7035114477138472", "7035114477138472", ""]


def test_texts_may_be_laid_into_files(tmp_path: Path) -> None:
    one = source(
        tmp_path, written({}, {"purchaseOrderId": "309121065891124"}, {"trackingNumber": "1Z5R89390357567127"})
    )
    plan, _ = plan_in_parts([one], policy(), part=60, buckets=3, keep=spilled)
    assert_same(plan, make_plan(read_shipments(one, PROFILES, zone=TORONTO, undated_at=NOW), policy()))


@pytest.mark.parametrize(
    "text",
    [
        written({}, {}, end="") + "\n" + "," * 3 + "\n" + "," * 3,
        written({}, {"carrier": "Canada Post,one more"}),
        written({}, {"trackingNumber": 'never "closed'}),
        written({}, {}, end="\n\xff\n").replace("\xff", "\udcff"),
        written({}, {"carrier": "x" * 40_000}),
    ],
)
def test_what_parts_cannot_tell_is_left_to_the_whole(tmp_path: Path, text: str) -> None:
    one = source(tmp_path, text.encode(errors="surrogateescape"))
    division = divided(one, PROFILES, zone=TORONTO, part=1)
    assert division is None or of_parts(division, policy()) is None


def test_more_rows_than_are_read_are_left_to_the_whole(tmp_path: Path) -> None:
    one = source(tmp_path, written({}, {}, {}))
    division = divided(one, PROFILES, zone=TORONTO, part=1, limits=Limits(rows=2))
    assert division is not None
    assert of_parts(division, policy()) is None

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING

import pytest

from batch.logs import LogFormat, say, set_up_log
from tests.restoring import logging_restored

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    with logging_restored():
        yield


def test_a_line_of_text_has_time_zone_level_message_and_what_else_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_log(quiet=False, log_format="text")
    say("Sending 3 orders", {"account": "outlet", "orders": 3, "path": "a b.csv", "none": ""})
    line = capsys.readouterr().err
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d{4} INFO Sending 3 orders "
        r'\(account=outlet orders=3 path="a b.csv" none=""\)\n',
        line,
    )


def test_a_line_without_more_to_tell_has_no_brackets(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_log(quiet=False, log_format="text")
    logging.getLogger("elsewhere").warning("The disk is nearly full")
    assert capsys.readouterr().err.endswith("WARNING The disk is nearly full\n")


def test_a_line_of_json_has_the_same_in_fields_and_the_exception(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_log(quiet=False, log_format="json")
    say("Sending 3 orders", {"account": "outlet", "orders": 3})
    fault = ValueError("é")
    logging.getLogger("batch.submit").error("A fault of shipbatch", exc_info=fault)
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert {name: first[name] for name in ("level", "message", "account", "orders")} == {
        "level": "info",
        "message": "Sending 3 orders",
        "account": "outlet",
        "orders": 3,
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", first["time"])
    assert "ValueError: é" in second["exception"]


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_who_wants_it_quiet_hears_of_problems_only(capsys: pytest.CaptureFixture[str], log_format: LogFormat) -> None:
    set_up_log(quiet=True, log_format=log_format)
    say("Sending 3 orders", {})
    assert capsys.readouterr().err == ""
    logging.getLogger("shipbatch").warning("The disk is nearly full")
    assert "nearly full" in capsys.readouterr().err


def test_setting_it_up_again_does_not_double_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        set_up_log(quiet=False, log_format="text")
    say("once", {})
    assert capsys.readouterr().err.count("once") == 1

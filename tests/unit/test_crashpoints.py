from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from batch.crashpoints import Step, arm, reached

if TYPE_CHECKING:
    from collections.abc import Iterator


class Died(BaseException):
    pass


@pytest.fixture(autouse=True)
def _death(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def die(code: int) -> None:
        raise Died(code)

    monkeypatch.setattr("batch.crashpoints.os._exit", die)
    yield
    arm("")


def test_a_step_does_nothing_unless_a_test_has_armed_it() -> None:
    for step in Step:
        reached(step)


def test_the_process_dies_at_the_step_of_that_number() -> None:
    arm("2")
    reached(Step.COPY_IN_PLACE)
    with pytest.raises(Died, match="137"):
        reached(Step.CALL_LEAVES)


def test_the_process_dies_at_the_step_of_that_name_and_number_and_says_which(capfd: pytest.CaptureFixture[str]) -> None:
    arm(f"{Step.CALL_LEAVES} 2")
    reached(Step.CALL_LEAVES)
    reached(Step.COPY_IN_PLACE)
    with pytest.raises(Died):
        reached(Step.CALL_LEAVES)
    assert capfd.readouterr().err == "Died where a call leaves.\n"

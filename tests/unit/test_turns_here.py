from __future__ import annotations

import asyncio
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from batch import halts, turns_here
from batch.end_of_run import Ended
from batch.errors import Exit
from batch.halts import Halts
from batch.job import Job
from batch.sending import Sending
from batch.settings import Account, Settings
from batch.submit.stop import Stop
from batch.turns_here import TurnsHere

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from batch.journal.journal import Journal
    from batch.sending import Followed

WENT = Ended(None, None, Exit.OK)


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.setattr(Job, "planned", lambda _job, _journal, files: nullcontext(files))
    monkeypatch.setattr(Job, "left_over", lambda _job, _journal: nullcontext("left over"))
    settings = Settings(journal=f"sqlite:///{tmp_path / 'journal.db'}")
    return Job(settings=settings, name="default", account=Account.model_construct(client_id="seller-1"))


@pytest.mark.parametrize(("files", "planned"), [([], []), (None, "left over")])
def test_a_run_is_planned_alone_and_sent_beside_others(
    job: Job, monkeypatch: pytest.MonkeyPatch, files: list[Any] | None, planned: object
) -> None:
    def carry_out(jobs: Sequence[Job], journal: Journal, begin: Any, _sending: Sending) -> list[Ended]:  # noqa: ANN401 - a callable of the library's
        with begin(jobs[0], journal) as work:
            assert not turns_here._PLANNING.locked()  # what follows is sending, which may take hours
            assert work == planned
        return [WENT]

    monkeypatch.setattr(turns_here, "carry_out", carry_out)
    turns = TurnsHere(sending=Sending(zone=job.settings.zone, grace=1, ends_at=7.0), halts=Halts())
    assert turns.carry_out(job, files) is WENT
    assert (turns.ends_at, turns.is_well) == (7.0, True)


def test_what_is_sent_is_followed_and_stops_when_its_account_is_to_halt(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(halts, "_LOOK", 0)
    asked, stops = Halts(), [Stop(), Stop()]
    followed = [SimpleNamespace(stop=stops[0])]
    seen: list[object] = []

    @contextmanager
    def follow(followed: Sequence[Followed]) -> Iterator[None]:
        seen.append(followed)
        yield

    async def send(sending: Sending) -> None:
        with sending.follow(cast("list[Followed]", followed)):
            asked.ask("default", Exit.TEMPORARY, "A file STOP.")
            await stops[0].wait()
            followed.append(SimpleNamespace(stop=stops[1]))  # it came since
            await stops[1].wait()

    def carry_out(_jobs: object, _journal: object, _begin: object, sending: Sending) -> list[Ended]:
        asyncio.run(asyncio.wait_for(send(sending), 60))
        return [WENT]

    monkeypatch.setattr(turns_here, "carry_out", carry_out)
    TurnsHere(sending=Sending(zone=job.settings.zone, grace=1, follow=follow), halts=asked).carry_out(job, None)
    assert seen == [followed]
    assert [(stop.exit_code, stop.reason) for stop in stops] == [(Exit.TEMPORARY, "A file STOP.")] * 2

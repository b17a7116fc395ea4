"""Parts on workers that are pretended: each task is done at once, here; what is handed on is pickled, as it travels."""

from __future__ import annotations

import pickle
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from distributed import KilledWorker

from batch.cluster.partitions import Partitions
from batch.errors import Exit, NotBegun
from batch.inputs import Unread
from batch.job import Job, prepared
from batch.reading.shipments import Recognised, Shipments
from batch.settings import Account, Settings
from tests.unit.reading.making import source
from tests.unit.tables import policy
from tests.unit.test_in_parts import GOOD, assert_same, written

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from distributed import Client

    from batch.reading.table import Source

DATES = ("11/05/2026", "11/23/2026", "11/22/2026")
LARGE = written(
    *(
        {"purchaseOrderId": f"30912106589112{number % 5}", "shipDateTime": DATES[number % 3]} | more
        for number, more in enumerate([{}, {"trackingNumber": "7.0E+15"}, {}, {"carrier": ""}, *[{}] * 16])
    )
)


@dataclass
class Done:
    """A task that is done."""

    end: Any

    def result(self) -> Any:  # noqa: ANN401 - whatever it was
        return pickle.loads(pickle.dumps(self.end, protocol=5))  # noqa: S301 - our own


@dataclass
class Workers:
    """A client of workers; the task of that name, counted from 0, is lost."""

    lost: str = ""
    error: BaseException | None = None
    done: list[str] = field(default_factory=list)

    def submit(self, do: Callable[..., Any], *given: object, pure: bool, priority: int) -> Done:
        assert (pure, priority > 0) == (False, True)
        self.done.append(do.__name__)
        if do.__name__ == self.lost and self.error is not None:
            raise self.error
        return Done(do(*map(_arrived, given)))

    def gather(self, futures: Sequence[Done]) -> list[Any]:
        return [future.result() for future in futures]


def _arrived(given: object) -> object:
    if isinstance(given, list):
        return [_arrived(one) for one in given]
    return given.result() if isinstance(given, Done) else pickle.loads(pickle.dumps(given))  # noqa: S301 - our own


@pytest.fixture
def job(tmp_path: Path) -> Job:
    settings = Settings()
    settings._home = tmp_path
    return Job(settings=settings, name="outlet", account=Account(client_id="one", client_secret="s"))


def partitions(workers: Workers, *, local: bool = True) -> Partitions:
    return Partitions(cast("Client", workers), local=local, part=200)


@pytest.mark.parametrize("local", [True, False])
def test_what_workers_prepare_in_parts_is_what_one_process_prepares(tmp_path: Path, job: Job, *, local: bool) -> None:
    gone = Unread(Path("gone.csv"), "gone.csv: it is gone.")
    files: list[Source | Unread | Path] = [
        source(tmp_path, LARGE, "large.csv"),
        source(tmp_path, written({"purchaseOrderId": "309121065891122"}), "small.csv"),
        gone,
        source(tmp_path, LARGE + "one,cell,too,many,here\n", "irregular.csv"),
        source(tmp_path, LARGE.replace("309", "409"), "another.csv"),
        source(tmp_path, "no table\n", "no.csv"),
        tmp_path / "not there.csv",
        source(tmp_path, LARGE, "large.csv").path,
    ]
    workers = Workers()
    inputs, plan = partitions(workers, local=local)(job, files, policy())
    one, its_plan = prepared(job, files, policy())

    assert [type(table) for table in inputs.shipments] == [Recognised, Shipments, Shipments, *[Recognised] * 2]
    assert (inputs.files, inputs.sources) == (one.files, one.sources)
    assert_same(plan, its_plan)
    assert set(workers.done) == {"_examine", "_clues", "_deal", "getitem", "_group"}
    assert workers.done.count("_group") > 1


def test_files_that_are_small_are_planned_without_workers(tmp_path: Path, job: Job) -> None:
    workers = Workers()
    files = [source(tmp_path, written(GOOD))]
    assert_same(partitions(workers)(job, files, policy())[1], prepared(job, files, policy())[1])
    assert workers.done == []


@pytest.mark.parametrize("task", ["_examine", "_deal", "_group"])
@pytest.mark.parametrize("error", [KilledWorker("k", cast("Any", "worker"), 3), CancelledError()])
def test_workers_that_die_again_and_again_are_said_and_nothing_is_begun(
    tmp_path: Path, job: Job, task: str, error: BaseException
) -> None:
    with pytest.raises(NotBegun, match=r"^Account outlet: workers died .* run the command again\.$") as caught:
        partitions(Workers(task, error))(job, [source(tmp_path, LARGE)], policy())
    assert caught.value.exit_code is Exit.TEMPORARY

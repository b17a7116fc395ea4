from __future__ import annotations

import logging
import socket
import sys
import threading
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Self

import distributed
import pytest

from batch.cluster import engine
from batch.cluster.address import Address
from batch.cluster.engine import NoScheduler, connected
from batch.errors import Fatal, UsageError
from tests.restoring import logging_restored

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    with logging_restored():
        yield


def test_without_the_extra_its_name_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask", None)
    with pytest.raises(UsageError, match=r"pip install 'shipbatch\[cluster\]'\.$"), connected(Address("local:1", 1)):
        pass


def test_a_scheduler_that_does_not_answer_is_named_and_leaves_nothing_behind() -> None:
    with closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        threads = threading.active_count()
        for _ in range(3):
            with (
                pytest.raises(NoScheduler, match=f"no Dask scheduler answers at {address}"),
                connected(Address(address), patience=0.2),
            ):
                pass
        assert threading.active_count() == threads


class Pretended:
    """A cluster, or a client of it, whose workers come or do not come."""

    def __init__(self, *_given: object, **_more: object) -> None:
        self.closed = False

    def wait_for_workers(self, *_given: object, timeout: float) -> None:
        raise TimeoutError(timeout)

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.close()


def test_a_scheduler_without_workers_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "Client", Pretended)
    with pytest.raises(
        UsageError, match="the scheduler at tcp://host:8786 has no workers; `dask worker tcp://host:8786`"
    ):
        _opened(Address("tcp://host:8786"))


def test_workers_of_our_own_that_cannot_be_started_are_a_fatal_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_told: object) -> None:
        raise RuntimeError("no more processes")

    monkeypatch.setattr(distributed, "LocalCluster", refuse)
    with pytest.raises(Fatal, match=r"the workers cannot be started: no more processes\.$"):
        _opened(Address("local:2", 2))


def _opened(address: Address) -> None:
    with ExitStack() as held:
        held.enter_context(connected(address))


def test_dasks_own_log_is_silent() -> None:
    logging.getLogger("distributed.of_a_test").setLevel(logging.INFO)
    engine._hush()
    assert not logging.getLogger("distributed.of_a_test").isEnabledFor(logging.ERROR)
    assert not logging.getLogger("distributed").isEnabledFor(logging.ERROR)

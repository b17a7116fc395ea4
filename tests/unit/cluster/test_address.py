from __future__ import annotations

import pytest

from batch.cluster.address import Address, address_from
from batch.errors import UsageError


@pytest.mark.parametrize(("text", "workers"), [("local:1", 1), (" local:16 ", 16)])
def test_local_means_processes_of_our_own(text: str, workers: int) -> None:
    found = address_from(text)
    assert (found.workers, found.local) == (workers, True)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("tcp://10.0.0.7:8786", "tcp://10.0.0.7:8786"),
        ("scheduler.example:8786", "tcp://scheduler.example:8786"),
        ("tls://[::1]:8786", "tls://[::1]:8786"),
    ],
)
def test_anything_else_is_a_schedulers_address(text: str, address: str) -> None:
    assert address_from(text) == Address(address)


@pytest.mark.parametrize("text", ["", "local", "local:0", "local:x", "local:-1", "tcp://host", "http://a/b:1", "host"])
def test_what_is_neither_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match=r"is no cluster; write local:4 .* like tcp://host:8786\.$"):
        address_from(text)

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from batch.marketplace.signature import Signer
from batch.marketplace.signatures import Signatures, _sign_for

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from batch.marketplace.legacy_canada import LegacyCanada

TEXTS = [b"%d" % number for number in range(100)]


@pytest.fixture
def signer(legacy: LegacyCanada) -> Signer:
    return legacy.signer


async def made(signatures: Signatures, signer: Signer, texts: list[bytes] = TEXTS) -> list[str]:
    return await asyncio.gather(*(signatures.make(signer, text) for text in texts))


async def test_one_signature_after_the_other_needs_no_process(signer: Signer) -> None:
    async with Signatures(cores=2) as signatures:
        assert [await signatures.make(signer, text) for text in TEXTS[:5]] == [signer.sign(text) for text in TEXTS[:5]]
        assert not multiprocessing.active_children()


async def test_many_at_once_are_made_by_processes_that_end_with_us(signer: Signer) -> None:
    async with Signatures(cores=1) as signatures:
        assert await made(signatures, signer) == [signer.sign(text) for text in TEXTS]
        assert len(multiprocessing.active_children()) == 1
    assert not multiprocessing.active_children()


async def test_each_signature_is_by_the_key_that_it_was_asked_of(signer: Signer, key: RSAPrivateKey) -> None:
    other = Signer("consumer-2", key)
    async with Signatures(cores=1) as signatures:
        mixed = [signatures.make(one, text) for text in TEXTS for one in (signer, other)]
        assert await asyncio.gather(*mixed) == [one.sign(text) for text in TEXTS for one in (signer, other)]


async def test_what_a_process_that_was_killed_had_to_sign_is_signed_here(signer: Signer) -> None:
    async with Signatures(cores=1) as signatures:
        await made(signatures, signer)
        (process,) = multiprocessing.active_children()
        assert process.pid
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert await made(signatures, signer) == [signer.sign(text) for text in TEXTS]


async def test_where_no_process_may_be_started_threads_sign(signer: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multiprocessing, "current_process", lambda: SimpleNamespace(daemon=True))  # as Dask's workers
    async with Signatures(cores=1) as signatures:
        assert await made(signatures, signer) == [signer.sign(text) for text in TEXTS]
        assert not multiprocessing.active_children()


async def test_whoever_no_longer_waits_holds_up_nobody(signer: Signer) -> None:
    async with Signatures(cores=1) as signatures:
        gone = asyncio.create_task(signatures.make(signer, b"gone"))
        await asyncio.sleep(0)
        gone.cancel()
        assert await signatures.make(signer, b"here") == signer.sign(b"here")


async def test_leaving_while_signatures_are_made_leaves_nothing_behind(signer: Signer) -> None:
    async with Signatures(cores=1) as signatures:
        waiting = [asyncio.create_task(signatures.make(signer, text)) for text in TEXTS]
        await asyncio.sleep(0)
    for one in waiting:
        one.cancel()
    assert not multiprocessing.active_children()


def test_a_signing_process_ends_when_whom_it_signs_for_is_gone(signer: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # here it runs in our own process
    monkeypatch.setattr(os, "nice", lambda _: None)
    ours, theirs = multiprocessing.Pipe()
    ours.send([(signer.key(), b"text")])
    ours.close()
    _sign_for(theirs)

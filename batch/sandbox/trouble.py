"""Carries faults out: breaks connections, keeps clients waiting, answers nonsense, commits late."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING

from batch.sandbox.answers import one_order
from batch.sandbox.desk import Asked, Desk, Reply
from batch.sandbox.faults import Action, Rule
from batch.sandbox.refusals import (
    HTML,
    Refusal,
    content_refused,
    gateway_refused,
    outage_400,
    page,
    render,
    system_error,
    throttled,
    unauthorised,
)
from batch.sandbox.throttle import Taken, Throttle

if TYPE_CHECKING:
    from batch.sandbox.routes import Route

Sleep = Callable[[float], Awaitable[None]]

_ERROR_500 = system_error(500, "SYSTEM_ERROR.GMP_ORDER_API", "System error")
_ERROR_504 = system_error(504, "DOWNSTREAM_SYSTEM_TIME_OUT.GMP_ORDER_API", "Downstream system timed out")
_REFUSALS = MappingProxyType(
    {
        Action.ERROR_500: _ERROR_500,
        Action.ERROR_504: _ERROR_504,
        Action.ERROR_500_AFTER: _ERROR_500,
        Action.ERROR_504_AFTER: _ERROR_504,
        Action.LOCKED: system_error(423, "RESOURCE_IS_LOCKED.GMP_RECEIVER_API", "Resource is locked"),
        Action.FORBIDDEN: gateway_refused(403, "FORBIDDEN", "Forbidden"),
        Action.UNAUTHORISED: unauthorised(),
        Action.OUTAGE_400: outage_400(),
    }
)
_PAGES = MappingProxyType(
    {
        Action.ERROR_502: Reply(status=502, body=page("Bad Gateway"), content_type=HTML),
        Action.UNAVAILABLE: Reply(status=503, body=page("Service Unavailable"), content_type=HTML),
        Action.ERROR_520: Reply(status=520, body=b"", content_type=HTML),
        Action.ERROR_520_AFTER: Reply(status=520, body=b"", content_type=HTML),
        Action.HTML: Reply(status=200, body=page("Access Denied"), content_type=HTML),
        Action.EMPTY: Reply(status=200, body=b""),
        Action.ERRORS_200: Reply(status=200, body=render(content_refused("Request could not be processed"))[0]),
    }
)
_CARRIED_OUT = frozenset(
    {
        Action.RESET_AFTER,
        Action.HANG_AFTER,
        Action.ERROR_500_AFTER,
        Action.ERROR_504_AFTER,
        Action.ERROR_520_AFTER,
        Action.HTML,
        Action.TRUNCATED,
        Action.EMPTY,
        Action.PARTIAL_ECHO,
        Action.STALE_ANSWER,
        Action.TRICKLE,
        Action.CANCEL_FIRST,
    }
)


class Trouble:
    """Does what a fault's rule says."""

    def __init__(self, desk: Desk, throttle: Throttle, *, sleep: Sleep, now: Callable[[], int]) -> None:
        self._desk = desk
        self._throttle = throttle
        self._sleep = sleep
        self._now = now
        self._late: set[asyncio.Task[None]] = set()

    async def reply(self, rule: Rule, route: Route, asked: Asked) -> Reply | None:
        """Return the reply to a request that a fault befalls; None where the connection breaks instead."""
        action = rule.action
        if action is Action.SLOW:
            await self._sleep(rule.seconds)
            return self._desk.answer(replace(asked, now=self._now()))
        if action is Action.LATE_COMMIT:
            self._commit_later(rule.seconds, asked)
            return None
        before = self._order(route)
        if action is Action.CANCEL_FIRST and before:
            self._desk.marketplace.cancel_all(route.purchase_order_id, now=asked.now)
        done = self._desk.answer(asked) if action in _CARRIED_OUT else None
        if action in (Action.HANG, Action.HANG_AFTER):
            await self._sleep(rule.seconds)
        return self._disguised(rule, route, asked, done, before)

    async def end(self) -> None:
        """Give up what was to be committed later."""
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)

    def _disguised(self, rule: Rule, route: Route, asked: Asked, done: Reply | None, before: bytes) -> Reply | None:
        """Return what the client gets to see of the reply that is `done`."""
        action = rule.action
        if action in _REFUSALS:
            return self._desk.refuse(_REFUSALS[action])
        if action in _PAGES:
            return _PAGES[action]
        if action is Action.THROTTLED:
            taken = Taken(allowed=False, left=0, wait=rule.seconds)
            return self._desk.refuse(throttled(), self._throttle.headers(taken, asked.now))
        if action is Action.REDIRECT:
            return Reply(status=307, body=b"", headers={"Location": rule.location or asked.url})
        lost = done is None or action in (Action.RESET_AFTER, Action.HANG_AFTER)
        return None if done is None or lost else self._misquoted(action, route, done, before)

    def _misquoted(self, action: Action, route: Route, done: Reply, before: bytes) -> Reply:
        if done.status != HTTPStatus.OK:
            return done
        if action is Action.TRUNCATED:
            return replace(done, body=done.body[: len(done.body) // 2])
        if action is Action.STALE_ANSWER and before:
            return replace(done, body=before)
        if action is Action.PARTIAL_ECHO and before:
            return replace(done, body=self._order(route, only_lines=1))
        return done

    def _order(self, route: Route, only_lines: int = 0) -> bytes:
        try:
            return one_order(self._desk.marketplace.find(route.purchase_order_id), only_lines=only_lines)
        except Refusal:
            return b""

    def _commit_later(self, seconds: float, asked: Asked) -> None:
        async def commit() -> None:
            await self._sleep(seconds)
            self._desk.answer(replace(asked, now=self._now()))

        task = asyncio.get_running_loop().create_task(commit())
        self._late.add(task)
        task.add_done_callback(self._late.discard)

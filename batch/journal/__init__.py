"""The durable record of what we are about to send, have sent, and learnt."""

from __future__ import annotations

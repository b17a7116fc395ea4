"""What to say to the marketplace and what its answers mean. Pure, but for `transport` and `exchange`, which perform."""

from __future__ import annotations

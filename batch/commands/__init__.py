"""One module for each command: it parses, calls and prints."""

from __future__ import annotations

"""What a good row is. No files, no network."""

from __future__ import annotations

"""shipbatch: marks every order of a shipping spreadsheet as shipped, exactly once."""

from __future__ import annotations

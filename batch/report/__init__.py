"""What became of every row and every order: for programs, for spreadsheets, for people."""

from __future__ import annotations

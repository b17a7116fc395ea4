"""Sending: in deadline order, at the marketplace's pace, every outcome on record."""

from __future__ import annotations

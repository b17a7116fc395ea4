"""Inline SVG without a colour or a font of its own: the page's style sheet gives both.

The drawing is pygal's. What it adds for pages of its own (style sheet, script, tooltips that need one) is taken away,
series are named by what they mean, and what a tooltip would say becomes the browser's own.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET  # only writes: nothing from outside is parsed

from markupsafe import Markup
from pygal.etree import etree  # type: ignore[import-untyped]  # ships no types
from pygal.style import Style  # type: ignore[import-untyped]  # the same

if TYPE_CHECKING:
    from collections.abc import Sequence

# pygal would take lxml where it is installed; with the standard library the picture is the same everywhere. And it adds
# a finder for plug-ins of an outdated kind, about which Python warns at every later import that fails.
etree.to_etree()
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "PluginImportFixer"]

WIDTH = 390
HEIGHT = 220
WIDE = 900
_IDLE = {"tooltip-overlay", "titles"}  # groups that only pygal's own script fills
_NOTES = ("desc", "title")


def settings(*, width: int = WIDTH, height: int = HEIGHT) -> dict[str, Any]:
    """Return what all our pictures have in common, for a chart of pygal."""
    return {
        "width": width,
        "height": height,
        "margin": 8,
        "style": Style(label_font_size=12, major_label_font_size=12, value_font_size=11),
        "js": (),
        "css": (),
        "show_legend": False,
        "truncate_label": -1,
        "min_scale": 2,
        "max_scale": 6,
        "value_formatter": lambda count: f"{count:,.0f}",
        "no_data_text": "",
    }


def markup(chart: Any, series: Sequence[str]) -> Markup:  # noqa: ANN401 - pygal ships no types
    """Return the chart as markup for the page; `series` are the classes that its series get."""
    return _written(_bare(chart.render_tree(), series))


def stretched(chart: Any, series: Sequence[str]) -> Markup:  # noqa: ANN401 - pygal ships no types
    """Return the chart as `markup` does, but so that it fills whatever place it is put into."""
    picture = _bare(chart.render_tree(), series)
    bars = [rectangle.attrib for rectangle in picture.iter("rect") if rectangle.get("class") == "rect"]
    left, top = min(float(bar["x"]) for bar in bars), min(float(bar["y"]) for bar in bars)
    right = max(float(bar["x"]) + float(bar["width"]) for bar in bars)
    bottom = max(float(bar["y"]) + float(bar["height"]) for bar in bars)
    picture.set("viewBox", f"{left:.2f} {top:.2f} {right - left:.2f} {bottom - top:.2f}")
    picture.set("preserveAspectRatio", "none")
    return _written(picture)


def _bare(picture: ET.Element, series: Sequence[str]) -> ET.Element:
    for parent in list(picture.iter()):
        for child in list(parent):
            if callable(child.tag) or child.tag == "defs" or _IDLE & set(_words(child)):  # a comment's tag is callable
                parent.remove(child)
    for note in picture.findall("title"):
        picture.remove(note)
    for group in picture.iter("g"):
        _titled(group)
        group.attrib.pop("id", None)
    for element in picture.iter():
        _name(element, series)
    picture.attrib.pop("id", None)
    picture.set("class", "chart")
    picture.set("aria-hidden", "true")  # the sentence beside it says what it shows
    return picture


def _titled(group: ET.Element) -> None:
    """Make what pygal's script would show beside the mouse the group's title, which every browser shows."""
    values = [child.text for child in group if child.tag == "desc" and child.get("class") == "value"]
    if values:
        for note in [child for child in group if child.tag in _NOTES]:
            group.remove(note)
        ET.SubElement(group, "title").text = values[0]


def _name(element: ET.Element, series: Sequence[str]) -> None:
    """Replace `serie-N color-N` by the class of series N, and drop what only pygal's script looks for."""
    kept = []
    for word in _words(element):
        kind, _, number = word.partition("-")
        if kind == "serie" and number.isdigit():
            kept.append(series[int(number)])
        elif kind not in ("color", "reactive", "tooltip"):
            kept.append(word)
    element.attrib.pop("class", None)
    if kept:
        element.set("class", " ".join(kept))


def _words(element: ET.Element) -> list[str]:
    return (element.get("class") or "").split()


def _written(picture: ET.Element) -> Markup:
    return Markup(ET.tostring(picture, encoding="unicode"))  # noqa: S704 - ElementTree has escaped every text in it

from __future__ import annotations

import io
import zipfile

import pytest

from batch.reading.oddities import Oddities
from batch.reading.open_document import open_document_oddities

START = (
    '<office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x" xmlns:calcext="c"><office:body>'
    '<table:table table:name="Envois">'
)
END = "</table:table></office:body></office:document-content>"
PLAIN = '<table:table-row><table:table-cell office:value-type="string"><text:p>x</text:p></table:table-cell>'


def oddities_of(rows: str) -> dict[str, Oddities]:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr("content.xml", START + rows + END)
    with zipfile.ZipFile(raw) as archive:
        return open_document_oddities(archive)


def cell(text: str, attributes: str = "") -> str:
    return f"<table:table-cell {attributes}><text:p>{text}</text:p></table:table-cell>"


def row(*cells: str, attributes: str = "") -> str:
    return f"<table:table-row {attributes}>{''.join(cells)}</table:table-row>"


def test_a_plain_document_has_nothing_odd_and_is_not_gone_through() -> None:
    assert oddities_of(row(cell("x"))) == {}


@pytest.mark.parametrize(
    ("rows", "odd"),
    [
        (row(cell("#DIV/0!", 'calcext:value-type="error"')), Oddities(((1, 0, "#DIV/0!"),))),
        (row(cell("", 'calcext:value-type="error"')), Oddities(((1, 0, "#N/A"),))),
        (row(cell("x"), cell("#N/A")), Oddities(((1, 1, "#N/A"),))),
        (row(cell("x")) + row(cell("Err:502")), Oddities(((2, 0, "Err:502"),))),
        (row(cell("#1 of 2 #A")), Oddities()),
        (row(cell("", 'table:formula="of:=A1+1"')), Oddities(((1, 0, "=A1+1"),))),
        (row(cell("2", 'table:formula="of:=1+1" office:value-type="float"')), Oddities()),
        (
            row(cell("", 'table:number-columns-repeated="3"'), cell("#N/A")) + row(cell("x")),
            Oddities(((1, 3, "#N/A"),)),
        ),
        (
            row(cell("x"), attributes='table:number-rows-repeated="4"') + row(cell("#N/A")),
            Oddities(((5, 0, "#N/A"),)),
        ),
        (
            row(cell("#N/A", 'table:number-columns-repeated="2"'), attributes='table:number-rows-repeated="2"'),
            Oddities(((1, 0, "#N/A"), (1, 1, "#N/A"), (2, 0, "#N/A"), (2, 1, "#N/A"))),
        ),
        (row(cell("x"), attributes='table:visibility="filter"'), Oddities(hidden=True)),
        ('<table:table-column table:visibility="collapse"/>' + row(cell("x")), Oddities(hidden=True)),
        (
            row(cell("x"), cell("a", 'table:number-rows-spanned="3" table:number-columns-spanned="2"')),
            Oddities(merged=(((0, 1), (2, 2)),)),
        ),
        (row(cell("", 'table:number-rows-spanned="3"')), Oddities()),
        (
            row("<table:table-cell><office:annotation><text:p>#N/A</text:p></office:annotation></table:table-cell>"),
            Oddities(),
        ),
    ],
)
def test_what_is_odd_is_found_where_it_stands(rows: str, odd: Oddities) -> None:
    assert oddities_of(rows).get("Envois", Oddities()) == odd


def test_errors_that_are_repeated_without_end_are_noted_within_reason() -> None:
    attributes = 'table:number-columns-repeated="9999999"'
    odd = oddities_of(row(cell("#N/A", attributes), attributes='table:number-rows-repeated="9999999"'))["Envois"]
    assert len(odd.errors) == 16_384

from __future__ import annotations

import codecs

import pytest

from batch.reading.encoding import Undecodable, as_utf8

TEXT = "Émile,Québec\r\nà côté,œuvre\r\n"


@pytest.mark.parametrize(
    ("data", "note"),
    [
        (b"plain,text\n", ""),
        (TEXT.encode(), ""),
        (codecs.BOM_UTF8 + TEXT.encode(), "UTF-8 with a byte order mark"),
        (TEXT.encode("utf-16"), "UTF-16"),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "UTF-16"),
        (TEXT.encode("utf-16-le"), "UTF-16 without a byte order mark"),
        (TEXT.encode("utf-16-be"), "UTF-16 without a byte order mark"),
        (TEXT.encode("cp1252"), "Windows-1252"),
        (b"x", ""),
    ],
)
def test_the_encoding_is_found_out_and_said(data: bytes, note: str) -> None:
    text, said = as_utf8(data)
    assert said == note
    assert text.decode() == (TEXT if len(data) > 20 else data.decode())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"a,b\n1,\x00\n", "zero bytes"),
        (TEXT.encode() + b"\xe9", "damaged or mixed"),
        (codecs.BOM_UTF8 + b"caf\xe9", "damaged or mixed"),
        (b"caf\x81,\xe9", "Windows-1252"),
        (codecs.BOM_UTF16_LE + b"a\x00b", "UTF-16"),
    ],
)
def test_bytes_that_are_no_text_are_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(Undecodable, match=reason):
        as_utf8(data)


def test_an_accent_may_lie_across_the_pieces_that_are_checked() -> None:
    data = b"x" * ((1 << 20) - 1) + "é".encode()
    assert as_utf8(data) == (data, "")

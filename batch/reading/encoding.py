"""How a text file is encoded: found out from its bytes, never from its name."""

from __future__ import annotations

import codecs

_SAMPLE = 65_536  # bytes looked at where the whole file tells no more
_PIECE = 1 << 20  # bytes checked at a time, so that no second copy of the text is made
_REPLACEMENT = "\ufffd"


class Undecodable(Exception):  # noqa: N818 - named by its meaning
    """The bytes are no text that we can read; the message says why."""


def as_utf8(data: bytes) -> tuple[bytes, str]:
    """Return the text as UTF-8 without byte order mark, and a note: "" where it was plain UTF-8 already.

    Known are UTF-8, UTF-16 (with a byte order mark, or by its zero bytes) and Windows-1252.
    """
    text, note = _decoded(data)
    if b"\0" in text:
        raise Undecodable("it holds zero bytes, so it is no text file or a damaged one")
    return text, note


def is_plain_utf8(data: memoryview) -> bool:
    """Whether `as_utf8` would give back these bytes as they are. They are looked at piece by piece, and not copied."""
    head = bytes(data[:_SAMPLE])
    marked = head.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if marked or _wide(head):
        return False
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(data), _PIECE):
            piece = bytes(data[start : start + _PIECE])
            if b"\0" in piece:
                return False
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _decoded(data: bytes) -> tuple[bytes, str]:
    if data.startswith(codecs.BOM_UTF8):
        return _utf8(data[len(codecs.BOM_UTF8) :], "UTF-8 with a byte order mark")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _transcoded(data, "utf-16", "UTF-16")
    if wide := _wide(data[:_SAMPLE]):
        return _transcoded(data, wide, "UTF-16 without a byte order mark")
    return _utf8(data, "")


def _utf8(data: bytes, note: str) -> tuple[bytes, str]:
    if data.isascii():
        return data, note
    try:
        decoder = codecs.getincrementaldecoder("utf-8")()
        for start in range(0, len(data), _PIECE):
            decoder.decode(data[start : start + _PIECE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        if note or _mostly_utf8(data):
            raise Undecodable("it is UTF-8 but for some bytes that are not, so it is damaged or mixed") from None
        return _transcoded(data, "cp1252", "Windows-1252")
    return data, note


def _mostly_utf8(data: bytes) -> bool:
    """Tell whether accents in valid UTF-8 outnumber the bytes that are no UTF-8; Windows-1252 hardly ever has one."""
    text = data.decode("utf-8", errors="replace")
    wrong = text.count(_REPLACEMENT)
    right = len(text) - wrong - len(text.encode("ascii", "ignore"))
    return right > wrong


def _wide(sample: bytes) -> str:
    """Return which UTF-16 the sample is by where its zero bytes stand, "" for none."""
    half = len(sample) // 2
    if half == 0:
        return ""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > 0.6 * half and even < 0.05 * half:
        return "utf-16-le"
    if even > 0.6 * half and odd < 0.05 * half:
        return "utf-16-be"
    return ""


def _transcoded(data: bytes, encoding: str, note: str) -> tuple[bytes, str]:
    try:
        return data.decode(encoding).encode(), note
    except UnicodeError:
        raise Undecodable(f"it looks like {note}, but some of its bytes are not") from None

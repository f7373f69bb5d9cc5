"""Bytes of a list to text: UTF-8, UTF-16, or what Windows writes, found out on the way."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

#: Bytes that show which encoding it is.
_ENOUGH = 256
#: Of the characters of a list so many are digits, separators and the like, in any language.
_LATIN_SHARE = 0.1
_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


class UnknownEncoding(Exception):
    """UTF-8 up to here, and then something else."""


@dataclass(slots=True)
class Decoder:
    """`encoding`, `undecoded` and `is_ascii` are all that a resumption needs.

    Without a byte order mark a text is UTF-8 until that cannot be; Windows-1252 then, which has
    every byte, as long as all before was ASCII and so the same in both.
    """

    encoding: str = ""
    undecoded: bytes = b""
    is_ascii: bool = True

    def decode(self, chunk: bytes, *, is_last: bool = False) -> str:
        data, self.undecoded = self.undecoded + chunk, b""
        if not self.encoding and len(data) < _ENOUGH and not is_last:
            self.undecoded = data
            return ""
        if not self.encoding:
            self.encoding = _encoding_of(data)
        if self.encoding != "utf-8":
            return self._decoded(data, is_last, "replace")
        try:
            text = self._decoded(data, is_last, "strict")
        except UnicodeDecodeError as error:
            if not self.is_ascii or not data[: error.start].isascii():
                raise UnknownEncoding from None
            self.encoding, self.undecoded = "cp1252", b""
            return data.decode("cp1252", "replace")
        self.is_ascii = self.is_ascii and text.removeprefix("\ufeff").isascii()
        return text

    def _decoded(self, data: bytes, is_last: bool, errors: str) -> str:
        decoder = codecs.getincrementaldecoder(self.encoding)(errors)
        text = decoder.decode(data, is_last)
        self.undecoded = decoder.getstate()[0]
        return text


def _encoding_of(data: bytes) -> str:
    """By the mark, or by the zeros that UTF-16 has beside digits and Latin letters."""
    if data[:2] in _UTF_16:
        return _UTF_16[data[:2]]
    pairs = data[: len(data) // 2 * 2][:2000]
    high, low = pairs[1::2].count(0), pairs[::2].count(0)
    if max(high, low) < _LATIN_SHARE * len(pairs) / 2 or not pairs:
        return "utf-8"
    return "utf-16-le" if high > low else "utf-16-be"

"""A look at a delimited file before it is read: its bytes are sound, its encoding, delimiter and header.

Everything that would make the whole file unreadable is found here and named with its offset: bytes that are
no text, a truncated gzip, a header with the same name twice.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BufferedReader
from itertools import chain
from pathlib import Path

from crm.errors import DataRefused

DELIMITERS = (",", ";", "\t", "|")
CHUNK = 1 << 20


@dataclass(frozen=True)
class Inspection:
    """What a delimited file is made of."""

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    has_nul: bool
    mixed_line_ends: bool


def inspect(path: Path, file: str) -> Inspection:
    """Reads all bytes once and tells what they are.

    :raises DataRefused: bytes that are no text in the file's encoding, a truncated or corrupt gzip, an empty
        file, a header with the same name twice.
    """
    encoding = _encoding(path, file)
    head, has_nul, mixed = _decode(path, file, encoding)
    if not head.strip():
        raise DataRefused("the file is empty", where=file, expected="a header line", remedy="export it again")
    delimiter = _delimiter(head)
    return Inspection(encoding, delimiter, _header(head, delimiter, file), has_nul, mixed)


def text_chunks(path: Path, file: str, encoding: str) -> Iterator[str]:
    """The file's text piece by piece.

    :raises DataRefused: at the first byte that is no text, with its line and offset.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    offset, line = 0, 1
    for chunk in chain(_bytes(path, file), (b"",)):
        kept = decoder.getstate()[0]
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            raise _undecodable(error, file, offset - len(kept), line, encoding) from error
        offset += len(chunk)
        line += text.count("\n")
        yield text


def _undecodable(error: UnicodeDecodeError, file: str, offset: int, line: int, encoding: str) -> DataRefused:
    bad = error.object[error.start : error.start + 1].hex()
    line += error.object[: error.start].count(b"\n")
    return DataRefused(
        f"byte 0x{bad} at offset {offset + error.start} is no {encoding.removesuffix('-sig').upper()} text",
        where=f"{file}, line {line}",
        expected="text in UTF-8 or UTF-16, complete to its end",
        remedy="export the file again, or save it as UTF-8",
    )


def open_bytes(path: Path) -> gzip.GzipFile | BufferedReader:
    """The file's bytes, decompressed where it is gzip."""
    return gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb")


def _bytes(path: Path, file: str) -> Iterator[bytes]:
    read = 0
    try:
        with open_bytes(path) as stream:
            while chunk := stream.read(CHUNK):
                read += len(chunk)
                yield chunk
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataRefused(
            f"the compressed file breaks off or is damaged after {read} bytes of text ({error})",
            where=file,
            expected="a complete gzip file",
            remedy="copy or export the file again",
        ) from error


def _encoding(path: Path, file: str) -> str:
    start = next(_bytes(path, file), b"")[:4]
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if len(start) == 4 and start[1::2] == b"\0\0":
        return "utf-16-le"
    if len(start) == 4 and start[0::2] == b"\0\0":
        return "utf-16-be"
    return "utf-8-sig" if start.startswith(codecs.BOM_UTF8) else "utf-8"


def _decode(path: Path, file: str, encoding: str) -> tuple[str, bool, bool]:
    """The file's beginning, whether it holds a NUL, and whether its lines end in several ways."""
    head, has_nul, last = "", False, ""
    returns = feeds = both = 0
    for text in text_chunks(path, file, encoding):
        head = head or text
        has_nul = has_nul or "\0" in text
        returns, feeds = returns + text.count("\r"), feeds + text.count("\n")
        both += text.count("\r\n") + (last == "\r" and text.startswith("\n"))
        last = text[-1:]
    mixed = returns > 0 and feeds > 0 and not returns == feeds == both
    return head.lstrip("\r\n"), has_nul, mixed


def _delimiter(head: str) -> str:
    """The mark that stands most often in the header line, outside quotes; a comma where none does."""
    outside = "".join(head.splitlines()[0].split('"')[::2])
    return max(DELIMITERS, key=outside.count)


def _header(head: str, delimiter: str, file: str) -> tuple[str, ...]:
    names = [cell.strip() for cell in next(csv.reader(head.splitlines(keepends=True), delimiter=delimiter))]
    names = [name or f"column {place}" for place, name in enumerate(names, start=1)]
    refuse_same_name_twice(names, f"{file}, line 1")
    return tuple(names)


def refuse_same_name_twice(names: Sequence[str], where: str) -> None:
    """Raises DataRefused where two columns have the same name, letter by letter."""
    twice = [name for place, name in enumerate(names) if name in names[:place]]
    if twice:
        raise DataRefused(
            f"the header has {twice[0]!r} twice",
            where=where,
            expected="each column's name once",
            remedy="rename or remove one of the columns",
        )

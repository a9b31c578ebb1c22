"""What bytes are: text in some encoding, or a known kind of file that is no text."""

from __future__ import annotations

from detmetrics.foundation.errors import FormatError

__all__ = ["BYTE_ORDER_MARKS", "binary_kind", "decoded"]

BEGINNINGS = {
    b"\x89PNG\r\n": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"PK\x03\x04": "a ZIP archive",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"%PDF": "a PDF document",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array",
    b"PAR1": "a Parquet file",
}

TAR_AT = 257

BYTE_ORDER_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def binary_kind(data: bytes) -> str | None:
    r"""What a file is by its first bytes, where it is a known kind that is no text.

    >>> binary_kind(b"\x89PNG\r\n\x1a\n")
    'a PNG image'
    """
    if data.startswith(b"ustar", TAR_AT):
        return "a TAR archive"
    return next((kind for start, kind in BEGINNINGS.items() if data.startswith(start)), None)


def decoded(data: bytes, path: str) -> tuple[str, bool]:
    """Text in UTF-8 or UTF-16, and whether it had to be taken for Latin-1.

    Raises:
        FormatError: it is no text.
    """
    mark, encoding = next(
        (found for found in BYTE_ORDER_MARKS if data.startswith(found[0])), (b"", "utf-8")
    )
    if encoding == "utf-8":
        data = data.removeprefix(mark)
    try:
        text, latin = data.decode(encoding), False
    except UnicodeDecodeError:
        text, latin = data.decode("latin-1"), True
    if "\0" in text:
        found = f"this is {kind}" if (kind := binary_kind(data)) else "it holds bytes of zero"
        raise FormatError(path, [f"not a text file: {found}"])
    return text, latin

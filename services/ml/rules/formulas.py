"""What a spreadsheet would run instead of show."""

from __future__ import annotations

# A text that starts so is a formula to a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def harmless(text: str) -> str:
    """The text with a quote before it where it would be run; numbers stay as they are.

    >>> harmless("=1+1"), harmless("-3.5"), harmless("Lyon")
    ("'=1+1", '-3.5', 'Lyon')
    """
    if not text.startswith(_FORMULA):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text

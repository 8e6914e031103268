"""What a spreadsheet would run instead of show."""

from __future__ import annotations

# A text that starts so is a formula to a spreadsheet, as far as there is anything behind the signs.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SIGNS = "=+-@"


def harmless(text: str) -> str:
    """The text with an apostrophe before it where it would be run.

    A text of nothing but signs has nothing to run, and a plain number, with a point or a comma, is shown as it is:
    as labels and cells both come often, so they stay what they were.

    >>> harmless("=1+1"), harmless("-a"), harmless("-3.5"), harmless("+"), harmless("Lyon")
    ("'=1+1", "'-a", '-3.5', '+', 'Lyon')
    """
    begun = text.lstrip(" \ufeff")
    if not begun.startswith(_FORMULA) or not begun.strip(_SIGNS) or _is_number(begun):
        return text
    return f"'{text}"


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True

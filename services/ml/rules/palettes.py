"""Colours of groups: palettes by name, each in the order in which they are given out."""

from __future__ import annotations

from collections.abc import Mapping

DEFAULT = "Light24"
PALETTES: Mapping[str, tuple[str, ...]] = {
    "Light24": (
        *("#FD3216", "#00FE35", "#6A76FC", "#FED4C4", "#FE00CE", "#0DF9FF", "#F6F926", "#FF9616"),
        *("#479B55", "#EEA6FB", "#DC587D", "#D626FF", "#6E899C", "#00B5F7", "#B68E00", "#C9FBE5"),
        *("#FF0092", "#22FFA7", "#E3EE9E", "#86CE00", "#BC7196", "#7E7DCD", "#FC6955", "#E48F72"),
    ),
    "Dark24": (
        *("#2E91E5", "#E15F99", "#1CA71C", "#FB0D0D", "#DA16FF", "#222A2A", "#B68100", "#750D86"),
        *("#EB663B", "#511CFB", "#00A08B", "#FB00D1", "#FC0080", "#B2828D", "#6C7C32", "#778AAE"),
        *("#862A16", "#A777F1", "#620042", "#1616A7", "#DA60CA", "#6C4516", "#0D2A63", "#AF0038"),
    ),
    "Okabe-Ito": ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#7F7F7F"),
    "Tableau10": (
        *("#4E79A7", "#F28E2B", "#E15759", "#76B7B2", "#59A14F"),
        *("#EDC948", "#B07AA1", "#FF9DA7", "#9C755F", "#BAB0AC"),
    ),
    "Set2": ("#66C2A5", "#FC8D62", "#8DA0CB", "#E78AC3", "#A6D854", "#FFD92F", "#E5C494", "#B3B3B3"),
}
# What a line or point needs against the paper to be seen; areas have an outline instead.
_LEAST_CONTRAST = 1.9


def colours(palette: str, count: int) -> list[str]:
    """So many colours of a palette, from its beginning again where it ends."""
    known = PALETTES[palette]
    return [known[place % len(known)] for place in range(count)]


def seen_on(colour: str, paper: str) -> str:
    """The colour, darkened or lightened only as far as it must be to be seen on that paper.

    >>> seen_on("#FD3216", "#ffffff"), seen_on("#FED4C4", "#ffffff")
    ('#FD3216', '#c1a195')
    """
    away = 0.0 if _luminance(paper) > 0.5 else 255.0
    parts = _parts(colour)
    for step in range(20):
        share = step * 0.06
        mixed = [part + (away - part) * share for part in parts]
        shown = colour if not step else "#" + "".join(f"{round(part):02x}" for part in mixed)
        if _contrast(shown, paper) >= _LEAST_CONTRAST:
            return shown
    return shown


def _parts(colour: str) -> list[float]:
    return [float(int(colour[place : place + 2], 16)) for place in (1, 3, 5)]


def _luminance(colour: str) -> float:
    linear = [part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in _parts(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)

"""The font of a bill's names beyond Western Europe: Latin, Greek and Cyrillic, a subset of DejaVu Sans (fonts/LICENSE).

A reader's own Helvetica, which all else is written in, has the letters of one code page. A bill takes this font along
only where it needs it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from struct import unpack_from

import pydyf

FILE = Path(__file__).parents[1] / "fonts" / "names.ttf"
NAME = "/TITANN+DejaVuSans"
LACKING = "?"
_UNICODE = """/CIDInit /ProcSet findresource begin 12 dict begin begincmap
/CMapName /Names def /CMapType 2 def 1 begincodespacerange <0000> <ffff> endcodespacerange
{pairs}
endcmap CMapName currentdict /CMap defineresource pop end end"""


@dataclass(frozen=True)
class Font:
    """What writing needs of the file: each letter's glyph, and each glyph's width in thousandths."""

    data: bytes
    glyphs: dict[str, int]
    widths: list[int]

    def written(self, text: str) -> list[int]:
        """The glyphs of a text; a question mark for each letter that is not here."""
        return [self.glyphs.get(letter, self.glyphs[LACKING]) for letter in text]


@cache
def font() -> Font:
    """The font, read once."""
    data = FILE.read_bytes()
    tables = dict(_tables(data))
    scale = 1000 / unpack_from(">H", data, tables["head"] + 18)[0]
    glyphs, measured = unpack_from(">H", data, tables["maxp"] + 4)[0], unpack_from(">H", data, tables["hhea"] + 34)[0]
    widths = [unpack_from(">H", data, tables["hmtx"] + 4 * min(n, measured - 1))[0] for n in range(glyphs)]
    return Font(data, _letters(data, tables["cmap"]), [round(width * scale) for width in widths])


def add_font(pdf: pydyf.PDF, used: set[str]) -> bytes:
    """Put the font into a document, with what `used` needs of it; the reference to it."""
    known = font()
    letters = sorted((known.glyphs[letter], letter) for letter in used | {LACKING} if letter in known.glyphs)
    file = pydyf.Stream([known.data], {"Length1": len(known.data)}, compress=True)
    to_letters = pydyf.Stream([_UNICODE.format(pairs=_pairs(letters)).encode()], compress=True)
    described = pydyf.Dictionary(
        {"Type": "/FontDescriptor", "FontName": NAME, "Flags": 4, "FontBBox": pydyf.Array([-1021, -463, 1793, 1232]),
         "ItalicAngle": 0, "Ascent": 928, "Descent": -236, "CapHeight": 729, "StemV": 80}
    )  # fmt: skip
    widths = pydyf.Array([part for glyph, _ in letters for part in (glyph, pydyf.Array([known.widths[glyph]]))])
    made = pydyf.Dictionary(
        {"Type": "/Font", "Subtype": "/CIDFontType2", "BaseFont": NAME, "CIDToGIDMap": "/Identity", "W": widths,
         "CIDSystemInfo": "<</Registry (Adobe) /Ordering (Identity) /Supplement 0>>"}
    )  # fmt: skip
    whole = pydyf.Dictionary({"Type": "/Font", "Subtype": "/Type0", "BaseFont": NAME, "Encoding": "/Identity-H"})
    for part in (file, to_letters, described, made, whole):
        pdf.add_object(part)
    described["FontFile2"] = file.reference
    made["FontDescriptor"] = described.reference
    whole["DescendantFonts"] = pydyf.Array([made.reference])
    whole["ToUnicode"] = to_letters.reference
    return bytes(whole.reference)


def _tables(data: bytes) -> list[tuple[str, int]]:
    """Each table of the file, and where it begins."""
    entries = (unpack_from(">4sLLL", data, 12 + 16 * n) for n in range(unpack_from(">H", data, 4)[0]))
    return [(tag.decode(), offset) for tag, _, offset, _ in entries]


def _letters(data: bytes, cmap: int) -> dict[str, int]:
    """Each letter's glyph, by the segments of the file's one map (format 4)."""
    begin = cmap + unpack_from(">L", data, cmap + 8)[0]
    count = unpack_from(">H", data, begin + 6)[0] // 2
    ends, starts, deltas, offsets = (begin + 14 + 2 * (count * row + (row > 0)) for row in range(4))
    found: dict[str, int] = {}
    for n in range(count):
        end, start, delta, offset = (unpack_from(">H", data, row + 2 * n)[0] for row in (ends, starts, deltas, offsets))
        for code in range(start, min(end, 0xFFFE) + 1):
            place = offsets + 2 * n + offset + 2 * (code - start)
            glyph = unpack_from(">H", data, place)[0] if offset else code
            if glyph:
                found[chr(code)] = glyph + delta & 0xFFFF
    return found


def _pairs(letters: list[tuple[int, str]]) -> str:
    """Which letter each glyph is, for who copies the text out of the document; at most a hundred at once."""
    lines = [f"<{glyph:04x}> <{ord(letter):04x}>\n" for glyph, letter in letters]
    blocks = [lines[start : start + 100] for start in range(0, len(lines), 100)]
    return "".join(f"{len(block)} beginbfchar\n{''.join(block)}endbfchar\n" for block in blocks)

"""A bill as a PDF of one page: the same bytes for the same bill, in a font that every reader has where that will do."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from io import BytesIO
from unicodedata import normalize

import pydyf

from billing.models import Bill, BillLine
from billing.queries.bill_font import add_font, font
from service_base.formats import Formats

WIDTH, HEIGHT, MARGIN = 595, 842, 50
ROW = 18
# Where each column of the table ends; the first begins at the margin.
COLUMNS = (
    ("Count", 205),
    ("Lines", 260),
    ("Coupons", 320),
    ("EAML", 380),
    ("USD", 435),
    ("Owed USD", 495),
    ("Tax USD", 545),
)
# Thousandths of the font's size for the characters from the space to the tilde, as Adobe published them for Helvetica.
_WIDTHS = [
    *(278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278),
    *(556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556),
    *(1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778),
    *(667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556),
    *(333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556),
    *(556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584),
]


def pdf_of(bill: Bill, lines: Sequence[BillLine], formats: Formats) -> bytes:
    """The bill as it was issued, with dates and numbers as the reader wants them."""
    sheet = _Sheet()
    y = _head(sheet, bill, formats)
    y = _table(sheet, lines, formats, y - 2 * ROW)
    _sums(sheet, bill, formats, y - 2 * ROW)
    said = f"Bill {bill.called}, {bill.pk}. Tax is rounded once, on the sum, to the cent; coupons and what others sold"
    sheet.text(MARGIN, 60, f"{said} are not taxed.", size=7)
    sheet.text(MARGIN, 50, "What coupons, tokens and dollars of the wallet paid was paid at the time.", size=7)
    if sheet.lacks:
        sheet.text(MARGIN, 40, f"No font here has these letters: {sheet.lacks} The bill's page has.", size=7)
    return sheet.finished(bill)


class _Sheet:
    """A page that is written on from anywhere, in points from its lower left corner."""

    def __init__(self) -> None:
        self._pdf = pydyf.PDF()
        self._stream = pydyf.Stream()
        self._beyond: set[str] = set()

    @property
    def lacks(self) -> str:
        """The code points that a question mark stands for."""
        return " ".join(f"U+{ord(letter):04X}" for letter in sorted(self._beyond - font().glyphs.keys()))

    def text(self, x: float, y: float, text: str, *, size: int = 9, bold: bool = False, ends: bool = False) -> None:
        """Write `text` from `x`, or up to it where it `ends` there."""
        face, shown, width = self._set(normalize("NFC", text.replace("\u202f", "\u00a0")), "Bold" if bold else "Plain")
        self._stream.begin_text()
        self._stream.set_font_size(face, size)
        self._stream.set_text_matrix(1, 0, 0, 1, x - width * size / 1000 if ends else x, y)
        self._stream.show_text(f"<{shown.hex()}>")
        self._stream.end_text()

    def _set(self, text: str, face: str) -> tuple[str, bytes, int]:
        """The font that has the letters, the text in its terms, and how wide it is in thousandths of its size."""
        try:
            shown = text.encode("cp1252")
            return face, shown, _width(shown)
        except UnicodeEncodeError:
            self._beyond |= set(text)
            glyphs = font().written(text)
            return "Names", b"".join(n.to_bytes(2, "big") for n in glyphs), sum(font().widths[n] for n in glyphs)

    def rule(self, y: float) -> None:
        """A thin line across."""
        self._stream.set_line_width(0.5)
        self._stream.move_to(MARGIN, y)
        self._stream.line_to(WIDTH - MARGIN, y)
        self._stream.stroke()

    def finished(self, bill: Bill) -> bytes:
        """The document."""
        self._pdf.add_object(self._stream)
        fonts = pydyf.Dictionary({"Plain": self._font("Helvetica"), "Bold": self._font("Helvetica-Bold")})
        if self._beyond:
            fonts["Names"] = add_font(self._pdf, self._beyond)
        self._pdf.add_page(
            pydyf.Dictionary(
                {
                    "Type": "/Page",
                    "Parent": self._pdf.pages.reference,
                    "MediaBox": pydyf.Array([0, 0, WIDTH, HEIGHT]),
                    "Contents": self._stream.reference,
                    "Resources": pydyf.Dictionary({"Font": fonts}),
                }
            )
        )
        self._pdf.info["Title"] = pydyf.String(f"Bill {bill.called}")
        self._pdf.info["CreationDate"] = pydyf.String(f"D:{bill.issued_at:%Y%m%d%H%M%S}Z")
        written = BytesIO()
        self._pdf.write(written, identifier=bill.pk.bytes)
        return written.getvalue()

    def _font(self, name: str) -> bytes:
        font = pydyf.Dictionary(
            {"Type": "/Font", "Subtype": "/Type1", "BaseFont": f"/{name}", "Encoding": "/WinAnsiEncoding"}
        )
        self._pdf.add_object(font)
        return bytes(font.reference)


def _head(sheet: _Sheet, bill: Bill, formats: Formats) -> float:
    y: float = HEIGHT - MARGIN - ROW
    sheet.text(MARGIN, y, f"Bill {bill.called}", size=20, bold=True)
    for line in bill.issuer.splitlines()[:6]:
        sheet.text(WIDTH - MARGIN, y, line[:70], ends=True)
        y -= 12
    y = min(y, HEIGHT - MARGIN - 3 * ROW)
    facts = [
        ("Billed to", bill.billed_to[:100]),
        ("Period", f"{formats.moment(bill.period_start)} to {formats.moment(bill.period_end)} UTC"),
        ("Issued", f"{formats.moment(bill.issued_at)} UTC"),
        ("Pay by", formats.day(bill.pay_by)),
    ]
    for name, value in facts:
        sheet.text(MARGIN, y, name, bold=True)
        sheet.text(MARGIN + 70, y, value)
        y -= ROW * 0.8
    return y


def _table(sheet: _Sheet, lines: Sequence[BillLine], formats: Formats, y: float) -> float:
    sheet.text(MARGIN, y, "What", bold=True)
    for name, end in COLUMNS:
        sheet.text(end, y, name, ends=True, size=8)
    sheet.rule(y - 5)
    for line in lines:
        y -= ROW
        sheet.text(MARGIN, y, line.label[:26])
        counts = [formats.number(line.count), formats.number(line.count_of_lines)]
        amounts = [line.coupon, line.eaml, line.usd, line.owed_usd, line.tax_usd]
        figures = [*counts, *(money(amount, formats) for amount in amounts)]
        for (_, end), figure in zip(COLUMNS, figures, strict=True):
            sheet.text(end, y, figure, ends=True, size=8)
    sheet.rule(y - 5)
    return y


def _sums(sheet: _Sheet, bill: Bill, formats: Formats, y: float) -> None:
    rate = formats.number(Decimal(bill.tax_basis_points) / 100)
    rows = [
        ("Brought forward", bill.brought_forward_usd),
        ("Owed for the lines above", bill.owed_usd),
        (f"Tax, {rate} % on {money(bill.taxable_usd, formats)} USD", bill.tax_usd),
        ("of which paid from the wallet", bill.tax_owed_usd - bill.tax_usd),
        ("Paid of the debt in the period", -bill.paid_usd),
    ]
    for name, amount in rows:
        sheet.text(MARGIN + 200, y, name)
        sheet.text(WIDTH - MARGIN, y, f"{money(amount, formats)} USD", ends=True)
        y -= ROW
    sheet.rule(y + ROW - 5)
    sheet.text(MARGIN + 200, y - 4, "Due", bold=True, size=12)
    sheet.text(WIDTH - MARGIN, y - 4, f"{money(bill.due_usd, formats)} USD", bold=True, size=12, ends=True)


def money(amount: Decimal, formats: Formats) -> str:
    """All digits of an amount, two decimals at least."""
    return formats.number(amount, places=max(2, -int(amount.normalize().as_tuple().exponent)))


def _width(text: bytes) -> int:
    # What ends at a place is figures and labels of ours; of the rest of the font only the space between thousands.
    return sum(_WIDTHS[char - 32] if 32 <= char < 127 else 278 for char in text)

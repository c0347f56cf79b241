"""Drawing a sheet as a PDF of one page, with a Chinese font that is embedded: it looks the same wherever it is opened."""

from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, KeepInFrame, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from crm_core.config import REFERENCE_DIR
from crm_core.i18n import _

FONT = "Kemai"
FONT_FILE = REFERENCE_DIR / "fonts" / "NotoSansCJKsc-subset.ttf"
ACCENT, INK, QUIET, LINE, BAND = (HexColor(code) for code in ("#0F766E", "#17212B", "#5B6B76", "#DDE3E7", "#F4F7F8"))
WATER = Color(0.06, 0.46, 0.43, alpha=0.09)
WIDTH, HEIGHT = A4
MARGIN = 18 * mm
LABEL_WIDTH = 42 * mm
INNER = WIDTH - 2 * MARGIN - 12  # a frame keeps six points free at each side


@dataclass(frozen=True)
class Sheet:
    """What stands on it: values by group, contacts in four columns, the mark across the page and the line at its foot."""

    title: str
    groups: dict[str, list[tuple[str, str]]]
    people: list[tuple[str, ...]]
    mark: str
    foot: str


def draw_sheet(sheet: Sheet) -> bytes:
    """The PDF file."""
    register_font()
    file = BytesIO()
    document = SimpleDocTemplate(
        file, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=MARGIN, bottomMargin=MARGIN + 8 * mm, title=sheet.title
    )
    document.build(
        [KeepInFrame(INNER, document.height - 12, _story(sheet), mode="shrink")], onFirstPage=lambda page, _doc: _frame(page, sheet)
    )
    return file.getvalue()


@cache
def register_font() -> None:
    """Let documents use the font; once."""
    pdfmetrics.registerFont(TTFont(FONT, FONT_FILE))


def _style(size: float, colour: Color, **more: Any) -> ParagraphStyle:
    # wordWrap: Chinese has no blanks at which a line could end.
    return ParagraphStyle(f"{FONT}{size}", fontName=FONT, fontSize=size, leading=size * 1.5, textColor=colour, wordWrap="CJK", **more)


def _text(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(escape(text).replace("\n", "<br/>"), style)


def _story(sheet: Sheet) -> list[Flowable]:
    story: list[Flowable] = [
        _text(_("Customer sheet for outside use"), _style(9, QUIET)),
        _text(sheet.title, _style(18, INK, spaceAfter=4)),
        _text(_("The name is replaced by an alias; contact data is masked. Not to be passed on."), _style(8.5, QUIET, spaceAfter=6)),
    ]
    for title, pairs in sheet.groups.items():
        story += [_heading(title), _pairs(pairs), Spacer(1, 2 * mm)]
    if sheet.people:
        story += [_heading(_("Contacts")), _people(sheet.people)]
    return story


def _heading(text: str) -> Paragraph:
    return _text(text, _style(11, ACCENT, spaceBefore=4, spaceAfter=3))


def _pairs(pairs: list[tuple[str, str]]) -> Table:
    rows = [[_text(label, _style(9, QUIET)), _text(value, _style(9.5, INK))] for label, value in pairs]
    return _table(rows, [LABEL_WIDTH, INNER - LABEL_WIDTH], [("BACKGROUND", (0, 0), (0, -1), BAND)])


def _people(people: list[tuple[str, ...]]) -> Table:
    titles = [_("Contact"), _("Position"), _("Phone"), _("Email")]
    used = [place for place in range(len(titles)) if place < 2 or any(one[place] for one in people)]
    rows = [[_text(titles[place], _style(9, QUIET)) for place in used]]
    rows += [[_text(one[place], _style(9.5, INK)) for place in used] for one in people]
    return _table(rows, [INNER / len(used)] * len(used), [("BACKGROUND", (0, 0), (-1, 0), BAND)])


def _table(rows: list[list[Paragraph]], widths: list[float], more: list[Any]) -> Table:
    look: list[Any] = [("GRID", (0, 0), (-1, -1), 0.5, LINE), ("VALIGN", (0, 0), (-1, -1), "MIDDLE"), *more]
    pads = [(side, (0, 0), (-1, -1), 2.5) for side in ("TOPPADDING", "BOTTOMPADDING")]
    return Table(rows, colWidths=widths, style=TableStyle([*look, *pads]), hAlign="LEFT")


def _frame(page: Any, sheet: Sheet) -> None:
    page.saveState()
    page.setFillColor(ACCENT)
    page.rect(0, HEIGHT - 5, WIDTH, 5, stroke=0, fill=1)
    page.setFont(FONT, 17)
    page.setFillColor(WATER)
    for across in range(3):
        for up in range(5):
            page.saveState()
            page.translate(across * WIDTH / 2.4 - 10 * mm, up * HEIGHT / 4.6 + 12 * mm)
            page.rotate(30)
            page.drawString(0, 0, sheet.mark)
            page.restoreState()
    foot = _text(sheet.foot, _style(8, QUIET))
    _width, height = foot.wrap(INNER, MARGIN)
    foot.drawOn(page, MARGIN + 6, MARGIN + 6 * mm - height)
    page.restoreState()

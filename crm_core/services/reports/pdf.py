"""A report as a PDF: cover, contents with links, each board with its figures, charts and tables, the definitions at the end."""

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import Color
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    KeepTogether,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)
from reportlab.platypus.tableofcontents import TableOfContents

from crm_core.i18n import _
from crm_core.services.insight.board import Board, Chart, Figure
from crm_core.services.insight.definitions import SCOPE
from crm_core.services.insight.words import column_label
from crm_core.services.reports import drawings
from crm_core.services.reports.content import Content, Tell
from crm_core.services.reports.drawings import fit
from crm_core.services.reports.order import CHARTS, DEFINITIONS, FIGURES, TABLES
from crm_core.services.reports.words import parts_of, path_label, show_change, show_value, upper_level_first
from crm_core.services.sheet_pdf import ACCENT, BAND, FONT, HEIGHT, INK, INNER, LINE, MARGIN, QUIET, WATER, WIDTH, register_font

MOST_ROWS = 40
"""A table in print has no more; the rest is in the workbook."""
LABEL_SHARE = 0.34
MOST_COLUMNS = 7


def write_pdf(content: Content, path: Path, tell: Tell) -> None:
    """Write the document to a file; `tell` hears of the progress from 50 on."""
    register_font()
    document = _Document(content, str(path), tell)
    document.multiBuild(_story(content), canvasmaker=_Numbered, maxPasses=3)


class _Numbered(Canvas):  # type: ignore[misc]
    """A canvas whose pages say their number and how many there are, which is known at the end."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._kept: list[dict[str, Any]] = []

    def showPage(self) -> None:
        """Keep the page until all are there."""
        self._kept.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        """Write them all."""
        for state in self._kept:
            self.__dict__.update(state)
            self.setFont(FONT, 8)
            self.setFillColor(QUIET)
            told = _("Page {number} of {count}").format(number=self._pageNumber, count=len(self._kept))
            self.drawRightString(WIDTH - MARGIN, 10 * mm, told)
            super().showPage()
        super().save()


class _Document(BaseDocTemplate):  # type: ignore[misc]
    """Pages with the mark of whose copy it is; headings go into the contents and the outline."""

    def __init__(self, content: Content, path: str, tell: Tell) -> None:
        margins = {"leftMargin": MARGIN, "rightMargin": MARGIN, "topMargin": MARGIN, "bottomMargin": MARGIN}
        super().__init__(path, title=content.title, author=content.actor.name, **margins)
        self.content, self.tell, self.numbered = content, tell, 0
        frame = Frame(MARGIN, MARGIN, WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN, id="body")
        self.addPageTemplates([PageTemplate(id="page", frames=[frame], onPage=self._draw_frame)])

    def beforeDocument(self) -> None:
        """Each pass numbers the headings anew, so that links lead to the same places."""
        self.numbered = 0
        self.tell(60)

    def afterFlowable(self, flowable: Flowable) -> None:
        """Note a heading where it came to stand."""
        level = {"chapter": 0, "section": 1}.get(getattr(getattr(flowable, "style", None), "name", ""))
        if level is None:
            return
        self.numbered += 1
        key, text = f"heading{self.numbered}", flowable.getPlainText()
        self.canv.bookmarkPage(key)
        self.canv.addOutlineEntry(text, key, level, closed=level > 0)
        self.notify("TOCEntry", (level, text, self.page, key))

    def _draw_frame(self, page: Any, _document: Any) -> None:
        page.saveState()
        page.setFillColor(ACCENT)
        page.rect(0, HEIGHT - 5, WIDTH, 5, stroke=0, fill=1)
        page.setFont(FONT, 17)
        page.setFillColor(WATER)
        for up in range(3):
            page.saveState()
            page.translate(30 * mm, (up + 0.3) * HEIGHT / 3)
            page.rotate(30)
            page.drawString(0, 0, self.content.mark)
            page.restoreState()
        page.setFont(FONT, 8)
        page.setFillColor(QUIET)
        page.drawString(MARGIN, 10 * mm, fit(self.content.title, WIDTH / 2, 8))
        page.restoreState()


@cache
def _style(name: str, size: float, colour: Color, *, before: float = 0, after: float = 3) -> ParagraphStyle:
    # wordWrap: Chinese has no blanks at which a line could end.
    look: dict[str, Any] = {"fontName": FONT, "fontSize": size, "leading": size * 1.5, "textColor": colour, "wordWrap": "CJK"}
    return ParagraphStyle(name, spaceBefore=before, spaceAfter=after, **look)


def _text(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(escape(text).replace("\n", "<br/>"), style)


def _chapter(text: str) -> Paragraph:
    return _text(text, _style("chapter", 17, ACCENT, after=6))


def _section(text: str) -> Paragraph:
    return _text(text, _style("section", 12, INK, before=8, after=4))


def _quiet(text: str) -> Paragraph:
    return _text(text, _style("quiet", 8.5, QUIET))


def _story(content: Content) -> list[Flowable]:
    story: list[Flowable] = [*_cover(content)]
    for board in content.boards:
        story += [PageBreak(), *_board(board, content)]
    if DEFINITIONS in content.order.sections:
        story += [PageBreak(), _chapter(_("Definitions")), *_definitions(content)]
    return story


def _cover(content: Content) -> list[Flowable]:
    contents = TableOfContents(dotsMinLevel=0)
    contents.levelStyles = [_style("entry0", 10.5, INK, before=4), _indented()]
    facts = [[_quiet(label), _text(value, _style("fact", 10, INK))] for label, value in content.facts]
    return [
        Spacer(1, 18 * mm),
        _text(content.title, _style("title", 26, ACCENT, after=14)),
        Table(facts, colWidths=[INNER * 0.22, INNER * 0.78], style=_look(), hAlign="LEFT"),
        Spacer(1, 6 * mm),
        _quiet(_(SCOPE)),
        _quiet(_("This copy is for {name} only. Do not pass it on.").format(name=content.actor.name)),
        Spacer(1, 8 * mm),
        _text(_("Contents"), _style("contents", 13, ACCENT)),
        contents,
    ]


def _indented() -> ParagraphStyle:
    return ParagraphStyle("entry1", parent=_style("entry", 9, QUIET, after=0), leftIndent=14)


def _board(board: Board, content: Content) -> list[Flowable]:
    period = content.order.question.period
    story: list[Flowable] = [_chapter(_(board.title)), _quiet(f"{period.first.isoformat()} – {period.last.isoformat()}")]
    if board.missing:
        return [*story, Spacer(1, 4 * mm), _text(_(board.missing), _style("body", 10, INK))]
    if FIGURES in content.order.sections and board.figures:
        story += [Spacer(1, 2 * mm), _figures(board.figures)]
    for chart in board.charts:
        story += _chart(chart, content)
    return story


def _figures(figures: Iterable[Figure]) -> Table:
    heads = [_("Key figure"), _("Figure value"), _("Divided from"), _("Compared value"), _("Change rate")]
    rows = [
        [
            fit(_(one.label), INNER * 0.28, 9),
            show_value(one.value, one.unit),
            parts_of(one),
            "" if one.before is None else show_value(one.before, one.unit),
            "" if one.before is None else show_change(one),
        ]
        for one in figures
    ]
    return _table([heads, *rows], [0.3, 0.18, 0.24, 0.16, 0.12])


def _chart(chart: Chart, content: Content) -> list[Flowable]:
    """Heading and drawing stay together; the table follows, and alone where nothing can be drawn."""
    parts: list[Flowable] = [_section(_(chart.title))]
    if chart.note:
        parts.append(_quiet(_(chart.note)))
    if not chart.has_values:
        return [KeepTogether([*parts, _quiet(_("Nothing in this period."))])]
    drawing = drawings.draw(chart) if CHARTS in content.order.sections else None
    if drawing:
        parts.append(drawing)
    wants_table = TABLES in content.order.sections or (CHARTS in content.order.sections and drawing is None)
    if not wants_table:
        return [KeepTogether(parts)] if drawing else []
    return [KeepTogether(parts) if drawing else CondPageBreak(40 * mm), *([] if drawing else parts), Spacer(1, 2 * mm), *_rows(chart)]


def _rows(chart: Chart) -> list[Flowable]:
    columns, points = chart.columns[:MOST_COLUMNS], upper_level_first(chart)
    width = (1 - LABEL_SHARE) / len(columns)
    heads = [_(chart.category), *(fit(column_label(one), INNER * width - 8, 9) for one in columns)]
    rows = []
    for point in points[:MOST_ROWS]:
        values = (show_value(value, column.unit) for value, column in zip(point.values, columns, strict=False))
        rows.append([fit(path_label(chart, point), INNER * LABEL_SHARE - 12, 9), *values])
    story: list[Flowable] = [_table([heads, *rows], [LABEL_SHARE, *[width] * len(columns)])]
    if len(points) > MOST_ROWS or len(chart.columns) > MOST_COLUMNS:
        story.append(_quiet(_("Not all rows and columns fit on paper; the Excel workbook has them all.")))
    return story


def _table(rows: Sequence[Sequence[str]], shares: Sequence[float]) -> Table:
    more = [("ALIGN", (1, 0), (-1, -1), "RIGHT"), ("BACKGROUND", (0, 0), (-1, 0), BAND), ("TEXTCOLOR", (0, 0), (-1, 0), QUIET)]
    return Table(rows, colWidths=[INNER * share for share in shares], style=_look(*more), hAlign="LEFT", repeatRows=1)


def _look(*more: Any) -> TableStyle:
    common: list[Any] = [
        ("FONT", (0, 0), (-1, -1), FONT, 9),
        ("TEXTCOLOR", (0, 0), (-1, -1), INK),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        *((side, (0, 0), (-1, -1), 2.5) for side in ("TOPPADDING", "BOTTOMPADDING")),
    ]
    return TableStyle([*common, *more])


def _definitions(content: Content) -> list[Flowable]:
    heads = [_quiet(_("Measure")), _quiet(_("Definition")), _quiet(_("Date basis"))]
    small = _style("small", 8.5, INK, after=0)
    rows = [[_text(_(text), small) for text in (one.title, one.rule, one.basis)] for one in content.definitions()]
    shares = [INNER * share for share in (0.22, 0.52, 0.26)]
    return [Table([heads, *rows], colWidths=shares, style=_look(("BACKGROUND", (0, 0), (-1, 0), BAND)), repeatRows=1, hAlign="LEFT")]

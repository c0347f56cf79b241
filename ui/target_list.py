"""Achievement of targets as tables: the ranking of people, and the teams."""

from collections.abc import Sequence
from decimal import Decimal

import pandas as pd
import streamlit as st

from crm_core.i18n import _, format_money
from crm_core.services.targets import Row, Year
from ui import feedback
from ui.target_filters import Chosen

FULL = 100


def draw(year: Year, chosen: Chosen) -> None:
    """The teams, then the people ranked by how much of their target they have reached."""
    ranked = year.ranking(chosen.months)
    teams = [row for row in year.teams if row.target(chosen.months) or row.result(chosen.months)]
    if not ranked and not teams:
        feedback.empty_state("flag", _("No targets and no contracts in this time"), _("Heads of teams and administrators set targets."))
        return
    if teams:
        _table(_("Teams"), teams, chosen, is_ranked=False)
        if any(row.is_summed(chosen.months) for row in teams):
            st.caption(_("A target marked with Σ is the sum of the team's people: the team has none of its own."))
    if ranked:
        _table(_("Ranking"), ranked, chosen, is_ranked=True)


def _table(title: str, rows: Sequence[Row], chosen: Chosen, *, is_ranked: bool) -> None:
    st.subheader(title, anchor=False)
    frame = pd.DataFrame([_cells(place, row, chosen, is_ranked=is_ranked) for place, row in enumerate(rows, 1)])
    right = st.column_config.TextColumn(alignment="right")
    top = max([FULL, *(float(row.rate(chosen.months) or 0) for row in rows)])
    bar = st.column_config.ProgressColumn(format="%.1f%%", min_value=0, max_value=top)
    config = {_("Target"): right, _("Reached"): right, _("Missing"): right, _("Achievement"): bar}
    st.dataframe(frame, hide_index=True, lazy=False, alt=title, column_config=config, placeholder="—")


def _cells(place: int, row: Row, chosen: Chosen, *, is_ranked: bool) -> dict[str, object]:
    target, result, rate = row.target(chosen.months), row.result(chosen.months), row.rate(chosen.months)
    mark = " Σ" if row.is_summed(chosen.months) else ""
    missing = max(target - result, Decimal(0))
    return {
        **({_("Rank"): place} if is_ranked else {}),
        _("Name"): row.name,
        _("Target"): format_money(target) + mark if target else "—",
        _("Reached"): format_money(result),
        _("Missing"): format_money(missing) if target else "—",
        _("Achievement"): None if rate is None else float(rate),
    }

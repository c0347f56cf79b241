"""Demo content of the analysis: shared pivots, and a report that comes every month."""

from crm_core import clock
from crm_core.db import CrmSession
from crm_core.permissions import Actor
from crm_core.services import saved_views
from crm_core.services.insight.boards import BOARDS
from crm_core.services.insight.question import Compared, Question
from crm_core.services.reports import schedules
from crm_core.services.reports.order import Format, Order, period_before
from crm_core.services.reports.schedules import Rhythm

PIVOTS = (
    ("各来源的客户类型", {"row": ["source"], "column": ["stage"]}),
    ("每季度合同金额（按等级）", {"subject": ["contracts"], "row": ["signed_quarter"], "column": ["tier"], "measure": ["sum"]}),
)


def fill_reports(session: CrmSession, actor: Actor) -> None:
    """Pivots for everybody, and the monthly report of the actor to all who may have one."""
    for name, query in PIVOTS:
        view = saved_views.save_view(session, actor, name, query=query, page=saved_views.PIVOT)
        saved_views.share_view(session, actor, view, is_shared=True)
    order = Order(Question(period_before("monthly", clock.today()), Compared.BEFORE), tuple(BOARDS), format=Format.PDF)
    receivers, rhythm = schedules.possible_receivers(session, actor), Rhythm("monthly", 3)
    schedules.add_schedule(session, actor, order, name="经营月报", reason="月度经营会", rhythm=rhythm, receivers=receivers)

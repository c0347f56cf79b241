"""`python -m benchmarks.report_probe pdf|xlsx`: builds one report of everything in the present data folder and says what that took."""

import json
import resource
import sys
import time
from datetime import timedelta

from crm_core import clock, db
from crm_core.models import Report, User
from crm_core.permissions import SYSTEM, Permission, Scope
from crm_core.services.actors import list_actors
from crm_core.services.insight.boards import BOARDS
from crm_core.services.insight.question import Compared, Period, Question
from crm_core.services.reports import building, making
from crm_core.services.reports.order import Format, Order

YEAR, ALL = 365, 800


def main(format: Format) -> None:
    """Every board; for a workbook every contract of two years too."""
    days = YEAR if format is Format.PDF else ALL
    period = Period(clock.today() - timedelta(days=days - 1), clock.today())
    sheets = ("contracts",) if format is Format.EXCEL else ()
    order = Order(Question(period, Compared.BEFORE), tuple(BOARDS), sheets, format=format)
    with db.transaction(SYSTEM) as session:
        actor = next(
            one for one in list_actors(session, User.is_active.is_(True)) if one.scope is Scope.ALL and one.can(Permission.CUSTOMER_EXPORT)
        )
        number = making.request_report(session, actor, order, name="benchmark", reason="benchmark")
    begun = time.perf_counter()
    building.build_next()
    took = (time.perf_counter() - begun) * 1000
    with db.reading(SYSTEM) as session:
        report = session.get_one(Report, number)
    if report.state != "done":
        raise SystemExit(report.error)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"milliseconds": took, "memory_mb": round(memory), "file_mb": round(report.size / 1024 / 1024, 1)}))


main(Format(sys.argv[1]))

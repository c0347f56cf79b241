"""Working days of China: public holidays and make-up days respected, as far as they are published."""

from datetime import date, timedelta

import chinese_calendar

from crm_core.i18n import N_

HOLIDAYS = {
    "new_years_day": N_("New Year's Day"),
    "spring_festival": N_("Spring Festival"),
    "tomb_sweeping_day": N_("Tomb-sweeping Day"),
    "labour_day": N_("Labour Day"),
    "dragon_boat_festival": N_("Dragon Boat Festival"),
    "national_day": N_("National Day"),
    "mid_autumn_festival": N_("Mid-autumn Festival"),
    "anti_fascist_70th_day": N_("Victory Day"),
}
"""Public holidays, by what chinesecalendar calls them."""


def is_workday(day: date) -> bool:
    """Whether people work on that day; in years whose holidays are not published yet, Monday to Friday."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


def is_published(day: date) -> bool:
    """Whether the holidays of that year are known, so that `is_workday` is more than a guess."""
    try:
        chinese_calendar.is_workday(day)
    except NotImplementedError:
        return False
    return True


def holiday_of(day: date) -> str:
    """The public holiday for which people rest on a day, or work on it instead; of `HOLIDAYS`, empty for none or an unknown one."""
    try:
        _is_off, name = chinese_calendar.get_holiday_detail(day)
    except NotImplementedError:
        return ""
    return chinese_calendar.Holiday(name).name if name else ""


def add_workdays(day: date, count: int) -> date:
    """The day that lies `count` working days after `day`; the day itself does not count."""
    while count > 0:
        day += timedelta(days=1)
        count -= is_workday(day)
    return day

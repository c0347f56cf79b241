"""Personal settings, tab by tab, as their owner fills them in."""

from io import BytesIO

from PIL import Image

from crm_core import db
from crm_core.models import User
from crm_core.permissions import Actor
from tests import factories
from tests.pages.visit import Visit, zh
from ui import header_tools, routes


def row_of(actor: Actor) -> User:
    with db.reading() as session:
        return session.get_one(User, actor.id)


def test_one_form_keeps_everything(sales: Actor) -> None:
    visit = Visit(sales).go(routes.SETTINGS)
    visit.fill(profile__name="陈立群", profile__phone="138 0000 1234", profile__email="chen@hengyuan.example")
    visit.fill(profile_password=factories.PASSWORD).press("Save")
    user = row_of(sales)
    assert (user.name, user.phone, user.email) == ("陈立群", "13800001234", "chen@hengyuan.example")
    assert visit.toasts == [zh("Your settings are saved.")]
    assert visit.widget("profile.phone").value == "13800001234"
    assert visit.widget("profile_password").value == ""


def test_errors_stand_at_their_fields_and_nothing_is_kept(sales: Actor) -> None:
    visit = Visit(sales).go(routes.SETTINGS)
    visit.fill(profile__phone="123", profile__email="chen@hengyuan.example").press("Save")
    sentences = " ".join(node.value for node in visit.elements("markdown"))
    assert zh("Enter your present password to change a mailbox.") in sentences
    assert "11" in sentences
    assert visit.widget("profile.phone").value == "123"
    assert row_of(sales).email is None


def test_the_password_for_a_mailbox_is_not_guessed_without_end(sales: Actor) -> None:
    visit = Visit(sales).go(routes.SETTINGS).fill(profile__email="chen@hengyuan.example")
    for _turn in range(5):
        visit.fill(profile_password="Wrong-pass-1").press("Save")
    visit.fill(profile_password=factories.PASSWORD).press("Save")
    sentences = " ".join(node.value for node in visit.elements("markdown"))
    assert zh("There were too many wrong entries. Wait some minutes and try again.") in sentences
    assert row_of(sales).email is None
    visit.fill(profile__name="陈立群", profile__email="", profile_password="").press("Save")
    assert row_of(sales).name == "陈立群"


def test_another_language_takes_the_browser_along(sales: Actor) -> None:
    visit = Visit(sales).go(routes.SETTINGS).fill(profile_language="en").press("Save")
    assert visit.redirect.startswith("/auth/language/en?next=")
    assert row_of(sales).language == "en"


def test_a_picture_appears_in_the_header_and_can_be_removed(sales: Actor) -> None:
    buffer = BytesIO()
    Image.new("RGB", (300, 200), "green").save(buffer, "PNG")
    visit = Visit(sales).go(routes.SETTINGS).upload("me.png", buffer.getvalue())
    digest = row_of(sales).avatar
    assert digest
    assert visit.component(header_tools.NAME)["user"]["picture"] == f"/pictures/{digest}"
    visit.press("Remove picture")
    assert row_of(sales).avatar is None
    assert visit.component(header_tools.NAME)["user"]["picture"] == ""


def test_a_file_that_is_no_picture_is_refused(sales: Actor) -> None:
    visit = Visit(sales).go(routes.SETTINGS).upload("me.png", factories.PDF)
    assert visit.refusals
    assert row_of(sales).avatar is None


def test_an_administrator_enters_the_mailbox_of_an_account(administrator: Actor, sales: Actor) -> None:
    visit = Visit(administrator).go(routes.USERS).press(f"user_{sales.id}")
    visit.fill(**{f"edit_email_{sales.id}": "chen@hengyuan.example"}).press("Save")
    assert row_of(sales).email == "chen@hengyuan.example"

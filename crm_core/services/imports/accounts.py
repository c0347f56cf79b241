"""Rows that become accounts, with their teams."""

import re
import secrets
from collections.abc import Sequence

from sqlalchemy import select

from crm_core.db import CrmSession
from crm_core.errors import ValidationFailed
from crm_core.i18n import _, join_words
from crm_core.models import Role, User
from crm_core.pinyin import pinyin_of
from crm_core.services.imports.intake import Run
from crm_core.services.imports.one_by_one import OneByOne
from crm_core.services.imports.records import Record, word
from crm_core.services.passwords import hash_password, random_password
from crm_core.services.profile import set_mailbox
from crm_core.services.roles import is_within, list_roles
from crm_core.services.teams import create_team, list_teams
from crm_core.services.users import create_user, update_user
from crm_core.validation import clean_values

_NOT_IN_ACCOUNTS = re.compile(r"[^a-z0-9]+")
_LONGEST = 36


class Accounts(OneByOne):
    """Accounts come in with a password that nobody knows: an administrator gives a one-time password when its owner begins.

    A team that a row names and that there is not is added. No role comes in that allows more than the importer's own.
    """

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        # One for all of them, and before the transactions: a hash takes a quarter of a second.
        self.password_hash = hash_password(random_password() + secrets.token_hex(16))

    def look_up(self, session: CrmSession, _entries: Sequence[Record]) -> None:
        """The accounts, teams and roles that there are."""
        rows = session.execute(select(User.username, User.name, User.email)).all()
        self.usernames, self.names = {row.username for row in rows}, {word(row.name) for row in rows}
        self.mailboxes = {word(row.email) for row in rows if row.email}
        self.teams = {word(name): number for number, name in list_teams(session).items()}
        self.roles = {text: role for role in reversed(list_roles(session)) for text in (word(role.code), word(role.name), word(role.title))}

    def bring_in(self, session: CrmSession, entry: Record) -> None:
        """Create the account, or skip the row where it exists: by its account, without one by the full name."""
        values = entry.values
        username, name = word(values.get("username")), word(values.get("name"))
        if self.is_repeated(entry, f"account {username}" if username else f"name {name}"):
            return
        if username in self.usernames or (not username and name in self.names):
            self.result.skip(entry.number, _("This account exists already."))
            return
        role, email = self._role(values.get("role")), self._mailbox(values.get("email"))
        is_active = self.check(entry, "is_active").get("is_active") != "no"
        team_id = self._team(session, values.get("team"))
        made = create_user(
            session,
            self.actor,
            username=username or self._free_username(name),
            name=str(values.get("name", "")),
            password_hash=self.password_hash,
            role=role.code,
            team_id=team_id,
        )
        if not is_active:
            update_user(session, self.actor, made.id, name=made.name, role=role.code, team_id=team_id, is_active=False)
        if email:
            set_mailbox(session, self.actor, made.id, email)
        self._remember(made, email, word(values.get("team")))

    def _remember(self, made: User, email: str, team: str) -> None:
        """What rows further down meet, once this one is whole."""
        self.usernames.add(made.username)
        self.mailboxes |= {word(email)} - {""}
        self.run.made.append(made.id)
        if made.team_id and team not in self.teams:
            self.teams[team] = made.team_id
            self.run.made_teams.append(made.team_id)
        self.result.created += 1

    def _mailbox(self, text: object) -> str:
        """A mailbox that no account has yet; checked before the account is made."""
        values, errors = clean_values({"email": self.reader.fields["email"]}, {"email": text})
        if word(values.get("email")) in self.mailboxes and not errors:
            errors = {"email": [_("Another account has this mailbox already.")]}
        if errors:
            raise ValidationFailed(errors)
        return values["email"] or ""

    def _role(self, text: object) -> Role:
        role = self.roles.get(word(text))
        if role is None:
            named = _("There is no role “{name}”. You may give: {names}.")
            told = named if text else _("Say which role the account has. You may give: {names}.")
            names = join_words(one.title for one in dict.fromkeys(self.roles.values()) if is_within(self.actor, one))
            raise ValidationFailed({"role": [told.format(name=str(text)[:60], names=names)]})
        return role

    def _team(self, session: CrmSession, text: object) -> int | None:
        if not text:
            return None
        if known := self.teams.get(word(text)):
            return known
        try:
            return create_team(session, self.actor, name=str(text))
        except ValidationFailed as refusal:
            raise ValidationFailed({"team": refusal.errors["name"]}) from refusal

    def _free_username(self, name: str) -> str:
        spelled = _NOT_IN_ACCOUNTS.sub(".", pinyin_of(name) if not name.isascii() else name).strip(".")[:_LONGEST].strip(".")
        base = spelled if len(spelled) >= 3 else f"user.{spelled}".strip(".")
        number, username = 1, base
        while username in self.usernames:
            number += 1
            username = f"{base}.{number}"
        return username

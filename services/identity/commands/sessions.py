"""Signing in and staying signed in: sessions are families of refresh tokens that rotate at each use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.http import HttpRequest

from identity import queries, tokens
from identity.commands.audit import record
from identity.models import Session, User
from identity.rules import digest, folded_email, new_secret
from service_base.errors import Refusal, TooFast
from shared_models.clock import utc_now

SESSION_LIFE = timedelta(days=14)
# A browser may send the same refresh token twice at once (two tabs); only later reuse is theft.
REUSE_GRACE = timedelta(seconds=10)
_REMEMBERED = 20


class WrongCredentials(Refusal):
    """The e-mail or the password is wrong; which of them is not said."""

    status = 401
    slug = "wrong-credentials"
    title = "E-mail or password is wrong"


class SessionEnded(Refusal):
    """The session is over: sign in again."""

    status = 401
    slug = "session-ended"
    title = "The session has ended"


@dataclass(frozen=True, slots=True)
class SessionTokens:
    """What a program or browser needs to stay signed in."""

    session: Session
    access: str
    refresh: str


def sign_in(*, request: HttpRequest, email: str, password: str) -> SessionTokens:
    """Open a session. Unknown address and wrong password look and take the same. Raises WrongCredentials, TooFast."""
    credentials = {"username": _folded_or_as_is(email)}
    if not AxesProxyHandler.is_allowed(request, credentials):
        raise TooFast(
            "Too many wrong passwords from here for this account; wait a quarter of an hour.", retry_after=900
        )
    user = authenticate(request, username=credentials["username"], password=password)
    if not isinstance(user, User):
        with transaction.atomic():
            record(action="session.refused", actor_id=None, ip=_ip(request), outcome="refused")
        raise WrongCredentials("Check both and try again.")
    user_logged_in.send(sender=User, request=request, user=user)
    return _open(user, request)


@transaction.atomic
def _open(user: User, request: HttpRequest) -> SessionTokens:
    refresh_token = new_secret()
    session = Session.objects.create(
        user=user,
        refresh_hash=digest(refresh_token),
        user_agent=request.headers.get("user-agent", "")[:200],
        ip=_ip(request),
        expires_at=utc_now() + SESSION_LIFE,
    )
    record(action="session.opened", actor_id=user.pk, target=session.pk, ip=session.ip)
    return SessionTokens(session, _access(session), refresh_token)


def refresh(*, refresh_token: str, ip: str | None = None) -> SessionTokens:
    """New tokens for an old refresh token, which is spent; an older one coming back ends the whole session."""
    renewed = _rotate(digest(refresh_token))
    if renewed is None:
        raise SessionEnded("Sign in again.")
    return renewed


@transaction.atomic
def _rotate(token_hash: str) -> SessionTokens | None:
    session = Session.objects.select_for_update().select_related("user").filter(refresh_hash=token_hash).first()
    if session is None:
        _end_stolen(token_hash)
        return None
    if session.ended_at is not None or session.expires_at <= utc_now() or not session.user.is_active:
        return None
    fresh = new_secret()
    session.used_hashes = [*session.used_hashes, token_hash][-_REMEMBERED:]
    session.refresh_hash = digest(fresh)
    session.save(update_fields=["used_hashes", "refresh_hash", "updated_at"])
    return SessionTokens(session, _access(session), fresh)


def _end_stolen(token_hash: str) -> None:
    stolen = Session.objects.select_for_update().filter(used_hashes__contains=[token_hash], ended_at=None).first()
    if stolen is not None and utc_now() - stolen.updated_at > REUSE_GRACE:
        stolen.ended_at = utc_now()
        stolen.save(update_fields=["ended_at"])
        record(action="session.reuse_detected", actor_id=stolen.user_id, target=stolen.pk, outcome="ended")


@transaction.atomic
def end_session(*, user: User, session_id: UUID) -> bool:
    """End one of the person's sessions; False when she has no such open session."""
    ended = Session.objects.filter(user=user, pk=session_id, ended_at=None).update(ended_at=utc_now())
    if ended:
        record(action="session.ended", actor_id=user.pk, target=session_id)
    return bool(ended)


def _access(session: Session) -> str:
    teams = {str(team): role for team, role in queries.teams_of(session.user_id).items()}
    return tokens.access_token(session.user, session, teams, key=queries.signing_key_now(), now=utc_now())


def _folded_or_as_is(email: str) -> str:
    try:
        return folded_email(email)
    except Refusal:
        return email[:254]


def _ip(request: HttpRequest) -> str | None:
    return request.META.get("REMOTE_ADDR")

"""Identity's pages: registering, signing in, the account with teams and keys, and the way back to where one was."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import path
from django.views.decorators.http import require_http_methods, require_POST

from identity import commands, queries, rules, tokens
from identity.models import User
from service_base.addresses import is_ours, url_of
from service_base.auth import COOKIE, token_in
from service_base.env import env
from service_base.errors import Refusal
from service_base.formats import Formats
from service_base.operations import map_pages
from service_base.pages import PageRequest, show, signed_in
from shared_models.clock import utc_now

REFRESH_COOKIE = "titan_refresh"
# The first mark that a browser's long name for itself contains says what it is; the order matters.
BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)
SCOPE_WORDS = {
    "ml:solve": "Solve with machines",
    "ml:train": "Upload tables, train, sell",
    "ml:read": "Look at machines",
    "billing:read": "Look at the wallet",
    "billing:write": "Spend from the wallet",
    "trading:read": "Look at bots",
    "trading:write": "Make, start and stop bots",
    "scheduler:read": "Look at calendar and jobs",
    "scheduler:write": "Change jobs",
}
FORMAT_WORDS = {
    "time_format": [("24H", "23:05"), ("12H", "11:05 PM")],
    "date_format": [("DMY", "day month year"), ("MDY", "month day year"), ("YMD", "year month day")],
    "date_separator": [("/", "slash /"), ("-", "dash -"), (".", "point .")],
    "decimal_separator": [(",", "comma 1,5"), (".", "point 1.5")],
}


@require_http_methods(["GET", "POST"])
async def sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in form."""
    context: dict[str, Any] = {"next": _next(request), "email": request.POST.get("email", "")}
    if request.method == "POST":
        try:
            opened = await sync_to_async(commands.sign_in)(
                request=request, email=context["email"], password=request.POST.get("password", "")
            )
            return _with_cookies(HttpResponseRedirect(context["next"]), opened)
        except Refusal as refusal:
            return await show(request, "identity/sign_in.html", context | {"refusal": refusal}, status=refusal.status)
    return await show(request, "identity/sign_in.html", context)


@require_http_methods(["GET", "POST"])
async def register(request: HttpRequest) -> HttpResponse:
    """The registration form; who registered is signed in."""
    fields = {name: request.POST.get(name, "") for name in ("email", "first_name", "last_name")}
    context: dict[str, Any] = fields | {"next": _next(request)}
    if request.method == "POST":
        password = request.POST.get("password", "")
        try:
            await sync_to_async(commands.register)(**fields, password=password, ip=request.META.get("REMOTE_ADDR"))
            opened = await sync_to_async(commands.sign_in)(request=request, email=fields["email"], password=password)
            return _with_cookies(HttpResponseRedirect(context["next"]), opened)
        except Refusal as refusal:
            return await show(request, "identity/register.html", context | {"refusal": refusal}, status=refusal.status)
    return await show(request, "identity/register.html", context)


async def continue_session(request: HttpRequest) -> HttpResponse:
    """Where other services send a browser whose access token ran out: back with a new one, or to the sign-in form."""
    target = _next(request)
    refresh_token = request.COOKIES.get(REFRESH_COOKIE)
    if refresh_token:
        try:
            return _with_cookies(
                HttpResponseRedirect(target), await sync_to_async(commands.refresh)(refresh_token=refresh_token)
            )
        except commands.sessions.SessionEnded:
            return HttpResponseRedirect(f"{url_of('identity')}/sign-in?{urlencode({'next': target})}")
    return HttpResponseRedirect(f"{url_of('identity')}/sign-in?{urlencode({'next': target})}")


@require_POST
async def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session and forget the cookies."""
    token = request.COOKIES.get(COOKIE, "")
    caller = getattr(request, "caller", None)
    session_id = await _session_in(token)
    if caller is not None and session_id is not None:
        await sync_to_async(commands.end_session)(user=caller.user, session_id=session_id)
    answer = HttpResponseRedirect(f"{url_of('identity')}/sign-in")
    answer.delete_cookie(COOKIE)
    answer.delete_cookie(REFRESH_COOKIE, path=_refresh_path())
    return answer


@signed_in
async def account(request: PageRequest) -> HttpResponse:
    """The person's account: balances, teams, keys, sessions, formats, what happened."""
    shown = await sync_to_async(_account)(request.caller.user)
    this_session = await _session_in(request.COOKIES.get(COOKIE, ""))
    return await show(request, "identity/account.html", shown | {"this_session": this_session})


@require_POST
@signed_in
async def change_formats(request: PageRequest) -> HttpResponse:
    """Set the formats."""
    chosen = {name: request.POST[name] for name in commands.people.FORMATS if name in request.POST}
    await sync_to_async(commands.change_formats)(user=request.caller.user, **chosen)
    messages.success(request, "Your formats are set.")
    return _back_to_account()


@require_POST
@signed_in
async def make_team(request: PageRequest) -> HttpResponse:
    """Make a team."""
    team = await sync_to_async(commands.create_team)(owner=request.caller.user, name=request.POST.get("name", ""))
    messages.success(request, f"The team {team.name} is made.")
    return _back_to_account()


@signed_in
async def team(request: PageRequest, team_id: UUID) -> HttpResponse:
    """A team with its members; a POST makes an invitation and shows its link once."""
    user = request.caller.user
    found = await sync_to_async(queries.team_for)(user, team_id)
    context: dict[str, Any] = {"team": found, "roles": rules.ROLES}
    if request.method == "POST":
        _, context["link"] = await sync_to_async(commands.invite)(
            team=found, actor=user, role=request.POST.get("role", "member"), email=request.POST.get("email", "")
        )
    context["members"] = await sync_to_async(lambda: list(queries.members_of(found)))()
    context["role"] = await sync_to_async(queries.role_in)(found, user)
    return await show(request, "identity/team.html", context)


@signed_in
async def invitation(request: PageRequest, token: str) -> HttpResponse:
    """An invitation: joining takes a click, since a link preview must not join a team."""
    if request.method == "POST":
        membership = await sync_to_async(commands.accept_invitation)(user=request.caller.user, token=token)
        messages.success(request, f"You are in the team {membership.team.name} now.")
        return HttpResponseRedirect(f"{url_of('identity')}/teams/{membership.team_id}")
    return await show(request, "identity/invitation.html")


@require_POST
@signed_in
async def make_key(request: PageRequest) -> HttpResponse:
    """Make an API key and show it this once."""
    user = request.caller.user
    key, text = await sync_to_async(commands.create_api_key)(
        user=user, name=request.POST.get("name", ""), scopes=request.POST.getlist("scopes")
    )
    return await show(request, "identity/new_key.html", {"key": key, "text": text})


@require_POST
@signed_in
async def revoke_key(request: PageRequest, key_id: UUID) -> HttpResponse:
    """Revoke an API key."""
    key = await sync_to_async(commands.revoke_api_key)(user=request.caller.user, key_id=key_id)
    messages.success(request, f"The key {key.name} opens nothing any more.")
    return _back_to_account()


@require_POST
@signed_in
async def end_session(request: PageRequest, session_id: UUID) -> HttpResponse:
    """End one of the person's sessions."""
    await sync_to_async(commands.end_session)(user=request.caller.user, session_id=session_id)
    messages.success(request, "That session is signed out.")
    return _back_to_account()


def well_known_jwks(request: HttpRequest) -> JsonResponse:
    """`GET /.well-known/jwks.json`: the public keys that access tokens may be signed with."""
    answer = JsonResponse({"keys": [key.public_jwk for key in queries.live_keys()]})
    answer["Cache-Control"] = "public, max-age=300"
    return answer


def _account(user: User) -> dict[str, Any]:
    return {
        "teams": list(user.memberships.select_related("team").order_by("team__name")),
        "keys": list(user.api_keys.order_by("-created_at")[:50]),
        "sessions": [(one, _where(one.user_agent)) for one in queries.open_sessions(user).order_by("-updated_at")[:20]],
        "entries": list(queries.audit_of(user).order_by("-id")[:15]),
        "scopes": [(scope, SCOPE_WORDS[scope]) for scope in rules.SCOPES],
        "choices": FORMAT_WORDS,
        "example": Formats.of(user).moment(utc_now()),
    }


def _where(user_agent: str) -> str:
    """A session's browser and system in two words; programs name themselves."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), "")
    if not browser:
        return user_agent[:60] or "a program"
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    return f"{browser} on {system}" if system else browser


async def _session_in(text: str) -> UUID | None:
    token = await token_in(text)
    return UUID(token.claims["sid"]) if token else None


def _with_cookies(answer: HttpResponse, opened: commands.SessionTokens) -> HttpResponse:
    common: dict[str, Any] = {"httponly": True, "samesite": "Lax", "secure": env().secure_cookies}
    answer.set_cookie(COOKIE, opened.access, max_age=int(tokens.LIFETIME.total_seconds()), **common)
    life = int(commands.sessions.SESSION_LIFE.total_seconds())
    # The refresh token travels to one address only.
    answer.set_cookie(REFRESH_COOKIE, opened.refresh, max_age=life, path=_refresh_path(), **common)
    return answer


def _refresh_path() -> str:
    return "/identity/continue" if env().public_url else "/continue"


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    return wanted if is_ours(wanted) else f"{url_of('ml')}/"


def _back_to_account() -> HttpResponse:
    return HttpResponseRedirect(f"{url_of('identity')}/")


urlpatterns = [
    path("", account, name="account"),
    path("sign-in", sign_in, name="sign-in"),
    path("register", register, name="register"),
    path("continue", continue_session, name="continue"),
    path("sign-out", sign_out, name="sign-out"),
    path("formats", change_formats, name="formats"),
    path("teams", make_team, name="make-team"),
    path("teams/<uuid:team_id>", team, name="team"),
    path("invitations/<str:token>", invitation, name="invitation"),
    path("keys", make_key, name="make-key"),
    path("keys/<uuid:key_id>/revoke", revoke_key, name="revoke-key"),
    path("sessions/<uuid:session_id>/end", end_session, name="end-session"),
    path(".well-known/jwks.json", well_known_jwks, name="jwks"),
    *map_pages.urlpatterns,
]

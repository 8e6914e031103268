"""Exchange keys: stored sealed, tested, deleted."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from service_base.errors import NotFound, Refusal
from service_base.pages import PageRequest, show, signed_in
from trading import commands, queries
from trading.models import Exchange


@signed_in
async def keys(request: PageRequest) -> HttpResponse:
    """The keys, and the form of a new one; what is secret in it is never sent back, not even after a mistake."""
    context = await sync_to_async(_keys)(request.caller.id)
    if request.method != "POST":
        return await show(request, "trading/keys.html", context)
    given = {name: request.POST.get(name, "") for name in ("exchange", "name")}
    credentials = {name: request.POST.get(name, "") for name in ("api_key", "secret", "passphrase")}
    try:
        row = await sync_to_async(commands.add_key)(user_id=request.caller.id, credentials=credentials, **given)
    except Refusal as refusal:
        return await show(
            request, "trading/keys.html", context | {"refusal": refusal, "given": given}, status=refusal.status
        )
    messages.success(request, f"The key {row.name} is stored, sealed.")
    return HttpResponseRedirect(reverse("keys"))


@require_POST
@signed_in
async def ask(request: PageRequest, key_id: UUID, what: str) -> HttpResponse:
    """Test or delete a key."""
    if what == "delete":
        await sync_to_async(commands.delete_key)(user_id=request.caller.id, key_id=key_id)
        messages.success(request, "The key is forgotten. Bots that used it keep their history.")
    elif what == "test":
        row = await sync_to_async(commands.test_key)(user_id=request.caller.id, key_id=key_id)
        messages.info(request, f"{row.name}: {row.test_result}")
    else:
        raise NotFound("A key can be tested and deleted.")
    return HttpResponseRedirect(reverse("keys"))


def _keys(user_id: UUID) -> dict[str, Any]:
    rows = list(queries.keys_of(user_id).prefetch_related("bots"))
    return {"keys": rows, "exchanges": list(Exchange.objects.exclude(kind="stock").order_by("name"))}

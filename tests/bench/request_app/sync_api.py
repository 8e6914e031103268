"""The same two views, synchronous, on the ORM, for a WSGI server."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import path
from joserfc import jws, jwt
from joserfc.jwk import OKPKey
from ninja import NinjaAPI
from ninja.security import HttpBearer

from service_base.auth import ALGORITHM
from service_base.principals.models import KnownTeam, Principal, PublicKey

_claims: dict[str, dict[str, Any]] = {}


class SyncBearer(HttpBearer):
    """The service's authentication without an event loop: claims by token, the person from the database."""

    def authenticate(self, request: HttpRequest, token: str) -> Principal | None:
        """The person, if she is active and the key is in use."""
        kid = jws.extract_compact(token.encode()).headers()["kid"]
        if token not in _claims:
            key = PublicKey.objects.get(kid=kid, retired=False)
            _claims[token] = jwt.decode(token, OKPKey.import_key(key.jwk), algorithms=[ALGORITHM]).claims
        return Principal.objects.filter(pk=_claims[token]["sub"], is_active=True).first()


api = NinjaAPI(auth=SyncBearer(), urls_namespace="bench-sync")


@api.get("/trivial", auth=None)
def trivial(request: HttpRequest) -> dict[str, Any]:
    """Nothing to do."""
    return {"ok": True}


@api.get("/rows/{row_id}")
def one_row(request: HttpRequest, row_id: UUID) -> dict[str, Any]:
    """One row."""
    found = KnownTeam.objects.get(pk=row_id, deleted=False)
    return {"id": str(found.pk), "name": found.name}


urlpatterns = [path("api/v1/", api.urls)]

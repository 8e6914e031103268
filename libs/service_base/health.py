"""Health and readiness: whether the process lives, and whether it can do its job."""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import Error, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

_schema_seen: set[str] = set()


async def healthz(request: HttpRequest) -> JsonResponse:
    """The process lives."""
    return JsonResponse({"status": "ok", "service": settings.TITAN_CONTEXT})


async def readyz(request: HttpRequest) -> JsonResponse:
    """Whether requests can be served; names what is missing. The broker is none of a web process's business."""
    missing = await sync_to_async(_missing)()
    body = {"status": "ready" if not missing else "not ready", "service": settings.TITAN_CONTEXT, "missing": missing}
    answer = JsonResponse(body, status=503 if missing else 200)
    # Django would log each 503 as an error; a probe that asks while the process starts is none.
    answer._has_been_logged = True  # type: ignore[attr-defined]
    return answer


def _missing() -> list[str]:
    return lacking_databases() or _keys()


def lacking_databases() -> list[str]:
    """What is wrong with each database: away, or older than the code; a newer schema is none of our business."""
    return [said for alias in settings.DATABASES if (said := _database(alias))]


def _database(alias: str) -> str | None:
    try:
        if alias not in _schema_seen:
            executor = MigrationExecutor(connections[alias])
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                return f"database {alias}: migrations to run"
            _schema_seen.add(alias)
        else:
            # A question, not a look: a connection whose server was killed still seems open.
            with connections[alias].cursor() as cursor:
                cursor.execute("SELECT 1")
    except Error as error:
        return f"database {alias}: {str(error).splitlines()[0]}"
    return None


def _keys() -> list[str]:
    if settings.AUTH_USER_MODEL != "principals.Principal":
        return []
    from service_base.principals.models import PublicKey

    return [] if PublicKey.objects.exists() else ["identity's signing key has not arrived yet"]

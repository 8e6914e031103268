"""The addresses every service answers, and below them its own pages and API."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, path
from django.views.generic import RedirectView

from service_base.api import api_of
from service_base.health import healthz, readyz
from service_base.metrics import metrics
from service_base.operations import pages as operations

admin.site.site_header = admin.site.site_title = f"TITAN {settings.TITAN_CONTEXT}"
# Signing in happens in one place only; the admin's own form would need a password that services do not have.
setattr(admin.site, "login", RedirectView.as_view(url=settings.LOGIN_URL, query_string=True))  # noqa: B010

api = api_of(settings.TITAN_CONTEXT)

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
    path("api/v1/", api.urls),
    path("admin/", admin.site.urls),
    *operations.urlpatterns,
]


def _pages() -> list[Any]:
    module = f"{settings.TITAN_CONTEXT}.pages"
    return import_module(module).urlpatterns if find_spec(module) else []


urlpatterns += _pages()
handler404 = "service_base.pages.page_not_found"
handler500 = "service_base.pages.page_broken"

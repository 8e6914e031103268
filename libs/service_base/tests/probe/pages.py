"""One page for signed-in people."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import path

from service_base.pages import PageRequest, show, signed_in


@signed_in
async def home(request: PageRequest) -> HttpResponse:
    """A heading."""
    return await show(request, "titan/message.html", {"heading": "Hello", "detail": "There."})


urlpatterns = [path("", home, name="home")]

"""A headless Chromium, and pages that remember every error, refused script and foreign address they met."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 360, "height": 740}
PATIENCE = 60_000
"""Milliseconds that a page is waited for: nobody claims here how fast a busy machine answers."""
QUIETLY = ("--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
           "--no-first-run", "--disable-dev-shm-usage")  # fmt: skip
# Written before any script of a page runs; what the policy refuses is collected where the test can read it.
LISTEN = """
window.refusedByPolicy = [];
document.addEventListener("securitypolicyviolation",
  (event) => window.refusedByPolicy.push(`${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`));
"""


def where() -> str | None:
    """The path of this machine's Chromium, or of one like it."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser, closed afterwards."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    arguments = [*QUIETLY, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=where(), args=arguments, timeout=120_000)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watched:
    """What went wrong on a page so far."""

    page: Page
    own: set[str]
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self._heard(message.type, message.text))
        self.page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))
        self.page.on("request", lambda request: self._asked(request.url))

    def _heard(self, kind: str, text: str) -> None:
        # The browser itself logs every answer of 400 and above; whether that answer is right, tests say.
        if kind == "error" and "Failed to load resource" not in text:
            self.errors.append(f"console: {text}")

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and f"{parts.scheme}://{parts.netloc}" not in self.own:
            self.errors.append(f"asked a foreign address: {url}")

    def all_errors(self) -> list[str]:
        """Errors so far, with what the content security policy refused on the page shown now."""
        refused: list[str] = self.page.evaluate("window.refusedByPolicy || []")
        return self.errors + [f"refused by the policy: {one}" for one in refused]


def too_wide(page: Page) -> list[str]:
    """What makes the page scroll sideways; empty when nothing does."""
    found: dict[str, Any] = page.evaluate("""() => {
      const wide = document.documentElement.scrollWidth, room = window.innerWidth;
      if (wide <= room) return {parts: []};
      const inScroller = (e) => { for (let p = e.parentElement; p && p !== document.body; p = p.parentElement)
        if (getComputedStyle(p).overflowX !== "visible") return true; return false; };
      const parts = [...document.querySelectorAll("body *")]
        .filter((e) => e.getBoundingClientRect().right > room + 0.5 && !inScroller(e))
        .map((e) => `${e.tagName.toLowerCase()}.${e.className} ends at ${Math.round(e.getBoundingClientRect().right)}`);
      return {parts: parts.length ? parts.slice(0, 5) : [`${wide} px on a screen of ${room} px`]};
    }""")
    return list(found["parts"])


def sign_in(page: Page, identity: str, email: str, password: str) -> None:
    """Through the form, as a person does; ends where the form leads to."""
    page.goto(f"{identity}/sign-in")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: not urlsplit(url).path.endswith("/sign-in"))


def new_page(context: BrowserContext, own: set[str]) -> Watched:
    """A page that is watched from its first moment."""
    context.add_init_script(LISTEN)
    return Watched(context.new_page(), own)


def unlabelled(page: Page) -> list[str]:
    """Inputs that nobody told what they are for."""
    found: list[str] = page.evaluate("""() => [...document.querySelectorAll("input, select, textarea")]
      .filter((e) => e.type !== "hidden" && !e.labels.length && !e.getAttribute("aria-label"))
      .map((e) => `${e.tagName.toLowerCase()} ${e.name || e.id}`)""")
    return found

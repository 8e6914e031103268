"""Take a picture of every page, 1280 and 360 px wide, light and dark: `python tests/e2e/screenshots.py FOLDER [PAGE…]`.

Looks at the running stack that TITAN_DATA_DIR and TITAN_PORT_BASE name, after `titan demo` has filled it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))

import browsing
import places

from titan.configuration import from_environment
from titan.demo.client import Person
from titan.secret import load_or_make

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SIZES = {"1280": browsing.DESKTOP, "360": browsing.PHONE}
SCHEMES = ("light", "dark")


def main(folder: Path, only: set[str]) -> None:
    """Take them all, or only the named pages."""
    stack = from_environment()
    book = stack.data_dir / "demo-people.json"
    if not book.exists():
        sys.exit(f"{book} is not there: run `titan demo` first, with the same TITAN_DATA_DIR.")
    email, password = json.loads(book.read_text())["Ada"]
    operator = ("operator@titan.localhost", load_or_make(stack.secrets_file).admin_password)
    ada = Person(stack, "Ada")
    ada.token = ada.post("identity", "auth/login", {"email": email, "password": password})["access_token"]
    folder.mkdir(parents=True, exist_ok=True)
    rounds = ((None, places.SIGNED_OUT), ((email, password), places.PAGES), (operator, places.OPERATORS))
    with browsing.chromium() as browser:
        for who, pages in rounds:
            shown = {n: url for n, url in places.addresses(ada, pages).items() if not only or n in only}
            if shown:
                _take(browser, folder, stack.url("identity"), who, shown)


def _take(browser: Browser, folder: Path, identity: str, who: tuple[str, str] | None, shown: dict[str, str]) -> None:
    context = browser.new_context()
    page = context.new_page()
    if who:
        browsing.sign_in(page, identity, *who)
    for name, url in shown.items():
        page.goto(url)
        for width, size in SIZES.items():
            page.set_viewport_size(size)
            for scheme in SCHEMES:
                page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
                page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)
        print(f"{name:16} {url}")
    context.close()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python tests/e2e/screenshots.py FOLDER [PAGE…]")
    main(Path(sys.argv[1]), set(sys.argv[2:]))

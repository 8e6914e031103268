"""The address of every page of the five services that one person can open, found over the public API."""

from __future__ import annotations

from titan.demo.client import Person

EMPTY = "00000000-0000-7000-8000-000000000000"
# name → service, path; what stands in braces is looked up among the person's own things.
PAGES = {
    "machines": ("ml", "/"),
    "upload": ("ml", "/machines/new"),
    "machine": ("ml", "/machines/{machine}"),
    "columns": ("ml", "/machines/{machine}/setup"),
    "graphs": ("ml", "/machines/{machine}/graph"),
    "solve": ("ml", "/machines/{machine}/solve"),
    "delete-machine": ("ml", "/machines/{machine}/delete"),
    "training": ("ml", "/works/{work}"),
    "works": ("ml", "/works"),
    "dead-works": ("ml", "/works?state=dead"),
    "market": ("ml", "/market"),
    "listing": ("ml", "/market/{listing}"),
    "purchases": ("ml", "/purchases"),
    "purchase": ("ml", "/purchases/{purchase}"),
    "wallet": ("billing", "/"),
    "top-up": ("billing", "/top-ups/{payment}"),
    "statement": ("billing", "/statement"),
    "balances": ("billing", "/balances?effective_at=2026-01-31T18:30"),
    "entry": ("billing", "/journals/{journal}"),
    "quote": ("billing", "/quotes/{quote}"),
    "statement-by-day": ("billing", "/statement?group=day"),
    "costs": ("billing", "/costs"),
    "my-coupons": ("billing", "/my-coupons"),
    "operations": ("billing", "/operations"),
    "prices": ("billing", "/prices"),
    "bills": ("billing", "/bills"),
    "next-bill": ("billing", "/bills/next"),
    "bill": ("billing", "/bills/{bill}"),
    "market-income": ("billing", "/payouts"),
    "consulting": ("billing", "/consulting"),
    "new-request": ("billing", "/consulting/new"),
    "board": ("billing", "/consulting/board"),
    "contract": ("billing", "/consulting/{contract}"),
    "request": ("billing", "/consulting/{request}"),
    "bots": ("trading", "/"),
    "new-bot": ("trading", "/bots/new"),
    "bot": ("trading", "/bots/{bot}"),
    "run": ("trading", "/runs/{run}"),
    "symbols": ("trading", "/symbols"),
    "symbol": ("trading", "/symbols/{symbol}"),
    "keys": ("trading", "/keys"),
    "calendar": ("scheduler", "/"),
    "event": ("scheduler", "/events/{event}"),
    "jobs": ("scheduler", "/jobs"),
    "job": ("scheduler", "/jobs/{job}"),
    "account": ("identity", "/"),
    "team": ("identity", "/teams/{team}"),
}
SIGNED_OUT = {"sign-in": ("identity", "/sign-in"), "register": ("identity", "/register")}
OPERATORS = {
    "all-works": ("ml", "/works"),
    "operator-prices": ("billing", "/prices"),
    "coupons": ("billing", "/coupons"),
    "verify": ("billing", "/verify"),
    "payments": ("billing", "/payments"),
    "disputes": ("billing", "/disputes"),
    "all-bills": ("billing", "/bills/all"),
    "import": ("scheduler", "/"),
    "platform-log": ("scheduler", "/logs"),
    "event-map": ("identity", "/system/events"),
    "event-type": ("identity", "/system/events/titan.billing.balances.changed.v1"),
    "parked": ("billing", "/system/parked"),
}


def things_of(person: Person) -> dict[str, str]:
    """The ids that fill the braces of PAGES; what the person does not have is absent."""
    found: dict[str, str] = {}

    def first(name: str, service: str, path: str, field: str = "id", **query: object) -> None:
        for item in person.get(service, path, **query)["items"][:1]:
            found[name] = str(item[field])

    def first_that(name: str, service: str, path: str, **wanted: object) -> None:
        items = person.get(service, path)["items"]
        item = next((one for one in items if all(one.get(k) == v for k, v in wanted.items())), None)
        if item:
            found[name] = str(item["id"])

    first_that("machine", "ml", "machines", trained=True)
    first_that("work", "ml", "works", kind="training")
    first("listing", "ml", "market")
    first("purchase", "ml", "purchases")
    first("payment", "billing", "topups")
    first("bill", "billing", "bills")
    first("journal", "billing", "ledger/entries", "journal_id", kind="training")
    first("quote", "billing", "quotes")
    first_that("contract", "billing", "consulting", status="contract")
    first_that("request", "billing", "consulting", status="open")
    first("bot", "trading", "bots")
    first("run", "trading", "runs")
    first("symbol", "trading", "symbols")
    first("event", "scheduler", "events")
    first("job", "scheduler", "jobs")
    first("team", "identity", "teams")
    return found


def addresses(person: Person, pages: dict[str, tuple[str, str]] = PAGES) -> dict[str, str]:
    """The full address of every page in `pages` for which the person has a thing to show."""
    things = things_of(person)
    shown = {}
    for name, (service, path) in pages.items():
        wanted = path.partition("{")[2].partition("}")[0]
        if not wanted or wanted in things:
            shown[name] = person.stack.url(service) + path.format(**things)
    return shown

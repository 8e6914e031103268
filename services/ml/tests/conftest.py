"""The world of ml's tests: people, prices, machines and work; all of it made by events and commands."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from time import time
from typing import Any
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async

from ml.tests.world import PRICE, TABLE, TERMS, balance, held, price_list


@pytest.fixture(autouse=True)
def event_map() -> None:
    """What a process of the service knows once it has started."""
    from event_bus import registry

    registry.load()


@pytest.fixture(autouse=True)
def nothing_waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a process keeps in memory for a while: nothing of a test is written, or counts, in the next one."""
    from ml import drifting, limits, sessions
    from ml.api.solving import SOLVE_AT_ONCE
    from ml.commands import solving_at_once

    monkeypatch.setattr(drifting, "_start_timer", lambda: None)
    yield
    for kept in (drifting._loose, drifting._waiting, limits._drawn, sessions._warm, solving_at_once._decisions):
        kept.clear()
    SOLVE_AT_ONCE.forget_all()


@pytest.fixture
def person(db: None) -> Callable[..., Any]:
    """Makes people: `person("ada")`, with funds `person("ada", usd="5")`."""
    from event_bus.testing import deliver
    from service_base.principals.models import Principal
    from shared_models.events import identity

    def make(name: str = "ada", **available: str) -> Any:
        user_id = uuid4()
        deliver(
            identity.UserChanged(
                user_id=user_id,
                version=1,
                email=f"{name}@example.org",
                first_name=name.capitalize(),
                last_name="Example",
                is_active=True,
                is_staff=False,
                is_superuser=False,
            )
        )
        if available:
            deliver(balance(user_id, **available))
        return Principal.objects.get(pk=user_id)

    return make


@pytest.fixture
def prices(db: None) -> None:
    """Billing has published its prices."""
    from event_bus.testing import deliver

    deliver(price_list())


@pytest.fixture
def ada(person: Callable[..., Any], prices: None) -> Any:
    """Somebody with 100 EAML and 100 dollars."""
    return person("ada", usd="100", eaml="100")


@pytest.fixture
def eve(person: Callable[..., Any]) -> Any:
    """Somebody else, without money."""
    return person("eve")


@pytest.fixture
def upload() -> Callable[..., Any]:
    """Puts bytes where an upload arrives."""
    from ml.store import receive

    def make(content: bytes = TABLE, name: str = "buyers.csv") -> Any:
        return receive([content], name=name)

    return make


@pytest.fixture
def nothing_incoming() -> None:
    """What tests before left where uploads arrive is gone: all of a session share the folder."""
    from ml.store import place

    for left in place("incoming").glob("*"):
        left.unlink()


@pytest.fixture
def machine_of(upload: Callable[..., Any]) -> Callable[..., Any]:
    """Makes machines: `machine_of(ada)`."""
    from ml import commands

    def make(owner: Any, content: bytes = TABLE, **given: Any) -> Any:
        received = upload(content)
        types, outputs = given.get("types", {}), given.pop("outputs", [])
        reading = commands.read_upload(received, outputs=outputs, types=types)
        return commands.create_machine(owner=owner, received=received, reading=reading, **given)

    return make


@pytest.fixture
def machine(machine_of: Callable[..., Any], ada: Any) -> Any:
    """Ada's machine, not trained."""
    return machine_of(ada)


@pytest.fixture
def training(machine: Any, ada: Any) -> Any:
    """A training of Ada's machine that waits for its funds."""
    from ml import commands, queries

    offer = queries.offer(machine, 1)
    return commands.request_training(
        machine_id=machine.pk, by=ada, level=1, estimated_seconds=offer.seconds, quoted_eaml=offer.price_eaml
    )


@pytest.fixture
def authorize() -> Callable[[Any], Any]:
    """Billing holds the funds of a work."""
    from datetime import timedelta

    from event_bus.testing import deliver
    from ml.models import Work
    from shared_models.clock import utc_now
    from shared_models.events import billing

    def make(work: Any) -> Any:
        part = billing.Part(currency="EAML", amount=work.quoted_eaml)
        deliver(
            billing.HoldAuthorized(
                hold_id=uuid4(),
                work_id=work.pk,
                payer_id=work.payer_id,
                quote_id=uuid4(),
                price_version=1,
                parts=[part],
                expires_at=utc_now() + timedelta(hours=1),
            )
        )
        return Work.objects.get(pk=work.pk)

    return make


@pytest.fixture
def server(db: None) -> Any:
    """A trainer."""
    from ml import commands

    return commands.register_server(name="one", cpu_count=1, gpu_ram=[])


@pytest.fixture(scope="session")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the trainer's child makes of the table: really trained, once a session."""
    from ml.jobs.protocol import ask

    home = tmp_path_factory.mktemp("learnt")
    (home / "table.csv").write_bytes(TABLE)
    plan = {
        "outputs": ["bought"],
        "ignore": [],
        "types": {},
        "level": 1,
        "seed": 0,
        "loss": None,
        "optimizer": "adamw",
        "shape": {},
        "time_limit": None,
    }
    stretch = {"path": str(home / "table.csv"), "name": "buyers.csv", "sequence": 1}
    job = {"stretches": [stretch], "plan": plan, "folder": str(home / "model"), "cache": str(home / "cache")}
    return ask("ml.jobs.training", job) | {"path": home / "model"}


@pytest.fixture
def stored(learnt: dict[str, Any]) -> Callable[[Any], Any]:
    """Puts a trained model where an attempt of the work would have left it."""
    from ml import commands
    from ml.store import place

    def make(work: Any) -> Any:
        folder = f"models/{work.machine_id}/{work.pk}-{work.lease_token}"
        shutil.copytree(learnt["path"], place(folder), dirs_exist_ok=True)
        card, encoder = (json.loads((learnt["path"] / f"{name}.json").read_bytes()) for name in ("card", "encoder"))
        facts = {name: learnt[name] for name in ("sha256", "size_bytes", "widths")}
        return commands.StoredModel(folder=folder, card=card, encoder=encoder, **facts)

    return make


@pytest.fixture
def train(authorize: Callable[[Any], Any], server: Any, stored: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Takes a requested training to its end, as billing and a trainer would."""
    from ml import commands

    def make(work: Any) -> Any:
        authorize(work)
        leased = commands.lease_work(server=server)
        assert leased is not None
        assert leased.pk == work.pk
        commands.begin_work(work_id=work.pk, token=leased.lease_token)
        return commands.finish_training(work_id=work.pk, token=leased.lease_token, model=stored(leased))

    return make


@pytest.fixture
def trained(training: Any, train: Callable[[Any], Any]) -> Any:
    """Ada's machine, trained."""
    return train(training)


@pytest.fixture
def sold(machine: Any) -> Any:
    """Ada's machine, whose lines and copies she sells."""
    from ml import commands

    return commands.set_terms(machine_id=machine.pk, terms=TERMS)


@pytest.fixture
def bo(person: Callable[..., Any], prices: None) -> Any:
    """A buyer with money."""
    return person("bo", usd="100")


@pytest.fixture
def buy(sold: Any, bo: Any) -> Callable[..., Any]:
    """Asks for a purchase: `buy("machine_copy")`."""

    from ml import commands

    def ask(kind: str = "machine_copy", **given: Any) -> Any:
        facts = {"machine_id": sold.pk, "buyer": bo, "kind": kind, "price_usd": PRICE[kind]}
        return commands.request_purchase(**(facts | given))

    return ask


@pytest.fixture
def bought(buy: Callable[..., Any]) -> Callable[..., Any]:
    """A purchase that billing held the price of and the worker delivered."""

    from ml.deliveries import deliver_purchases
    from ml.models import Purchase

    def take(kind: str = "machine_copy", **given: Any) -> Any:
        asked = held(buy(kind, **given))
        deliver_purchases()
        return Purchase.objects.get(pk=asked.pk)

    return take


@pytest.fixture(scope="session")
def signing_pair() -> Any:
    """A key pair such as identity signs tokens with."""
    from joserfc.jwk import OKPKey

    return OKPKey.generate_key("Ed25519")


@pytest.fixture
def token_of(db: None, signing_pair: Any) -> Callable[..., str]:
    """Signs an access token as identity would: `token_of(ada, {team: "admin"})`."""
    from joserfc import jwt

    from event_bus.testing import deliver
    from service_base.auth import ALGORITHM
    from shared_models.events import identity

    def sign(user: Any, teams: dict[UUID, str] | None = None) -> str:
        deliver(identity.SigningKeyPublished(kid="test", jwk=signing_pair.as_dict(private=False)))
        claims = {
            "sub": str(user.pk),
            "aud": "titan",
            "exp": int(time()) + 600,
            "teams": {str(team): role for team, role in (teams or {}).items()},
        }
        return jwt.encode({"alg": ALGORITHM, "kid": "test"}, claims, signing_pair, algorithms=[ALGORITHM])

    return sign


@pytest.fixture
def api(token_of: Callable[..., str]) -> Callable[..., Any]:
    """A client that calls the API as a person."""
    from service_base.testing import TokenClient

    def make(user: Any, teams: dict[UUID, str] | None = None) -> Any:
        return TokenClient(token_of(user, teams))

    return make


@pytest.fixture
async def hers(trained: Any, ada: Any, api: Any) -> Any:
    """Ada's client, of whom everything is remembered that solving needs."""
    from ml.tests.asking import solve

    client = await sync_to_async(api)(ada)
    assert (await solve(client, trained)).status_code == 200
    return client


@pytest.fixture(params=[0, 8])
async def threads(request: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Without connections on the event loop and with them, as in a web process."""
    from service_base import reading
    from service_base.env import env

    monkeypatch.setattr(env(), "web_threads", request.param)
    yield request.param
    for links in reading._opened.pop(asyncio.get_running_loop(), {}).values():
        links.close()


@pytest.fixture
def browser(token_of: Callable[..., str]) -> Callable[..., Any]:
    """A browser in which a person is signed in."""
    from django.test import AsyncClient

    from service_base.auth import COOKIE

    def make(user: Any, teams: dict[UUID, str] | None = None) -> Any:
        client = AsyncClient()
        client.cookies[COOKIE] = token_of(user, teams)
        return client

    return make


@pytest.fixture
def key_of(db: None) -> Callable[..., str]:
    """An API key that identity vouched for just now: `key_of(ada, "ml:solve")`."""
    import hashlib

    from service_base.principals.models import ApiKeyGrant

    def make(user: Any, *scopes: str) -> str:
        text = f"tk_{uuid4().hex}"
        key_hash = hashlib.sha256(text.encode()).hexdigest()
        ApiKeyGrant.objects.create(key_hash=key_hash, key_id=uuid4(), user_id=user.pk, scopes=list(scopes))
        return text

    return make

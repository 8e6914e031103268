"""A person with money and a machine that is really trained; prints her token, the machine's id and a row as JSON."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from time import time
from typing import Any

import django


def main(table: str, level: int) -> None:
    """Everything by events and commands, as it comes about in life."""
    django.setup()
    from event_bus import registry
    from ml.models import Machine

    registry.load()
    person, token = _person()
    work = _asked(person, Path(table), level)
    _train(work)
    machine = Machine.objects.get(pk=work.machine_id)
    first = machine.data_lines.get()
    row = dict(zip(first.column_names, first.first_rows[0], strict=True))
    inputs = {name: row[name] for name in machine.mdc_columns_name_input}
    assert machine.training_nn_model is not None
    from ml.store import place

    model = str(place(machine.training_nn_model.folder))
    json.dump({"token": token, "machine_id": str(machine.pk), "row": inputs, "model": model}, sys.stdout)


def _person() -> tuple[Any, str]:
    from joserfc import jwt
    from joserfc.jwk import OKPKey

    from event_bus.testing import deliver
    from ml.tests.world import balance, price_list
    from service_base.auth import ALGORITHM, AUDIENCE
    from service_base.principals.models import Principal, PublicKey
    from shared_models.ids import new_id

    key = OKPKey.generate_key("Ed25519")
    PublicKey.objects.create(kid="bench", jwk=dict(key.as_dict(private=False)))
    person = Principal.objects.create(id=new_id())
    deliver(price_list(), balance(person.pk, eaml="1000000", usd="1000000"))
    claims = {"sub": str(person.pk), "aud": AUDIENCE, "exp": int(time()) + 3600, "teams": {}}
    return person, jwt.encode({"alg": ALGORITHM, "kid": "bench"}, claims, key, algorithms=[ALGORITHM])


def _asked(person: Any, table: Path, level: int) -> Any:
    from ml import commands, queries
    from ml.store import receive

    received = receive([table.read_bytes()], name=table.name)
    reading = commands.read_upload(received, outputs=["y"])
    machine = commands.create_machine(owner=person, received=received, reading=reading, level=level)
    offer = queries.offer(machine, level)
    return commands.request_training(
        machine_id=machine.pk, by=person, level=level, estimated_seconds=offer.seconds, quoted_eaml=offer.price_eaml
    )


def _train(work: Any) -> None:
    import threading

    from event_bus.testing import deliver
    from ml import commands
    from ml.trainer import Trainer
    from shared_models.clock import utc_now
    from shared_models.events import billing
    from shared_models.ids import new_id

    until = utc_now() + timedelta(hours=1)
    part = billing.Part(currency="EAML", amount=work.quoted_eaml)
    hold = {"hold_id": new_id(), "quote_id": new_id(), "price_version": 1, "parts": [part], "expires_at": until}
    deliver(billing.HoldAuthorized(work_id=work.pk, payer_id=work.payer_id, **hold))
    Trainer(commands.register_server(name="bench", cpu_count=1, gpu_ram=[]), threading.Event()).work_once()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

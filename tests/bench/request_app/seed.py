"""Puts a key, a person and a row into the bench's database; prints the person's token and the row's id as JSON."""

from __future__ import annotations

import json
import sys
from time import time

import django

if __name__ == "__main__":
    django.setup()
    from joserfc import jwt
    from joserfc.jwk import OKPKey

    from service_base.auth import ALGORITHM, AUDIENCE
    from service_base.principals.models import KnownTeam, Principal, PublicKey
    from shared_models.ids import new_id

    key = OKPKey.generate_key("Ed25519")
    PublicKey.objects.create(kid="bench", jwk=dict(key.as_dict(private=False)))
    person, team = Principal.objects.create(id=new_id()), KnownTeam.objects.create(id=new_id(), name="Bench")
    claims = {"sub": str(person.pk), "aud": AUDIENCE, "exp": int(time()) + 3600, "teams": {}}
    token = jwt.encode({"alg": ALGORITHM, "kid": "bench"}, claims, key, algorithms=[ALGORITHM])
    json.dump({"token": token, "row_id": str(team.pk)}, sys.stdout)

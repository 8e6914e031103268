"""Files of consulting requests: looked into before they are kept, and kept once."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from billing.commands.consulting import lock_request, must_be_party, note_step
from billing.models import ConsultingFile
from billing.rules.errors import ContractState
from billing.rules.files import MOST_FILES, clean_name, kind_of, size_class
from billing.store import Received, discard, keep
from service_base.errors import BadInput
from shared_models.clock import utc_now
from shared_models.ids import new_id


def add_file(
    *, request_id: UUID, actor: UUID, received: Received, name: str, now: datetime | None = None
) -> ConsultingFile:
    """Keep a file with the request; the same file under the same name is kept once. What is refused is forgotten.

    Raises NotFound, ContractState, and FileRefused for kinds that are not taken.
    """
    try:
        with received.path.open("rb") as file:
            kind = kind_of(file, name=clean_name(name))
        with transaction.atomic():
            return _add(request_id, actor, received, clean_name(name), kind.name, kind.media_type, now or utc_now())
    finally:
        discard(received)


def _add(
    request_id: UUID, actor: UUID, received: Received, name: str, kind: str, media_type: str, at: datetime
) -> ConsultingFile:
    found = lock_request(request_id)
    must_be_party(found, actor)
    if found.has_ended:
        raise ContractState(f"This request is {found.called}; files are added while it is not.")
    same = found.files.filter(sha256=received.sha256, file_name=name).first()
    if same is not None:
        return same
    if found.files.count() >= MOST_FILES:
        raise BadInput(f"A request holds at most {MOST_FILES} files.", field="file")
    pk = new_id()
    kept = ConsultingFile.objects.create(
        id=pk,
        request=found,
        uploaded_by=actor,
        uploaded_at=at,
        file_name=name,
        kind=kind,
        media_type=media_type,
        size_bytes=received.size,
        size_class=size_class(received.size).value,
        sha256=received.sha256,
        path=f"consulting/{found.pk}/{pk}",
    )
    note_step(found, "file", by=actor, at=at, note=name)
    # Before the commit: a row without its file would be a broken promise, a file without a row is only litter.
    keep(received, kept.path)
    return kept

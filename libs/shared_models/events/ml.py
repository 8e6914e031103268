"""What ml says: work that wants funds, work that ended, rows that were solved, machines on the market and sold."""

from typing import ClassVar, Literal
from uuid import UUID

from shared_models.events.contract import Amount, Event, Moment

WorkKind = Literal["training", "solving"]
SolvingChannel = Literal["own", "api", "market"]
PurchaseKind = Literal["buy_data_source", "machine_copy", "machine_copy_update"]


class WorkRequested(Event):
    """Somebody asked for work on a machine; it starts only after billing authorised a hold for it."""

    TYPE: ClassVar = "titan.ml.work.requested.v1"
    KEY: ClassVar = "work_id"

    work_id: UUID
    kind: WorkKind
    machine_id: UUID
    machine_name: str
    machine_owner_id: UUID
    payer_id: UUID
    columns: int
    learning_lines: int
    evaluation_lines: int
    solving_lines: int
    level: int
    requested_at: Moment


class WorkStarted(Event):
    """A trainer leased the work and began."""

    TYPE: ClassVar = "titan.ml.work.started.v1"
    KEY: ClassVar = "work_id"

    work_id: UUID
    machine_id: UUID
    kind: WorkKind
    server_name: str
    attempt: int
    started_at: Moment


class WorkFailed(Event):
    """The work ended without a result, by an error or because it was cancelled: nothing is charged."""

    TYPE: ClassVar = "titan.ml.work.failed.v1"
    KEY: ClassVar = "work_id"

    work_id: UUID
    machine_id: UUID
    kind: WorkKind
    payer_id: UUID
    cancelled: bool
    reason: str
    ended_at: Moment


class TrainingCompleted(Event):
    """A machine finished training: the usage that billing captures, and the machine's new scores.

    Priced as (input + output + ignored columns) × (learning + evaluation lines) × level.
    """

    TYPE: ClassVar = "titan.ml.training.completed.v1"
    KEY: ClassVar = "work_id"

    work_id: UUID
    machine_id: UUID
    machine_name: str
    machine_owner_id: UUID
    payer_id: UUID
    columns: int
    learning_lines: int
    evaluation_lines: int
    level: int
    epochs: int
    seconds: float
    input_columns: list[str]
    output_columns: list[str]
    scores: dict[str, float]
    completed_at: Moment


class SolvingCompleted(Event):
    """Rows were solved: one usage event a request, or one for a whole batch work (then `work_id` is set).

    `market_price_usd` is what the caller owes the machine's owner for each line; None unless `channel` is market.
    """

    TYPE: ClassVar = "titan.ml.solving.completed.v1"
    KEY: ClassVar = "payer_id"

    usage_id: UUID
    work_id: UUID | None = None
    machine_id: UUID
    machine_name: str
    machine_owner_id: UUID
    payer_id: UUID
    channel: SolvingChannel
    lines: int
    columns: int
    market_price_usd: Amount | None = None
    completed_at: Moment


class UsageCounted(Event):
    """How much usage of one hour (by `completed_at`, UTC) ml has said so far; what commits late raises the version.

    `events`, `lines` and `digest` are of the whole hour, `event_ids` those that this version added. The digest is the
    exclusive or of `shared_models.usage.usage_digest` over the hour's events, in 16 hexadecimal digits. `first_at` is
    the earliest usage of the hour; before the first hour nothing was counted. Whatever ml committed before
    `complete_at` is in this count or an earlier one; None while more waits to be counted.
    """

    TYPE: ClassVar = "titan.ml.usage.counted.v1"
    KEY: ClassVar = "hour"

    hour: Moment
    version: int
    events: int
    lines: int
    digest: str
    first_at: Moment
    event_ids: list[UUID]
    complete_at: Moment | None = None


class MachineChanged(Event):
    """A machine's name, owner or market terms as they are now; `deleted` when it is gone."""

    TYPE: ClassVar = "titan.ml.machine.changed.v1"
    KEY: ClassVar = "machine_id"

    machine_id: UUID
    version: int
    machine_name: str
    machine_owner_id: UUID
    machine_owner_team_id: UUID | None = None
    machine_level: int
    trained: bool
    api_solving_is_public: bool
    api_solving_price_usd: Amount
    deleted: bool = False


class PurchaseRequested(Event):
    """Somebody wants to buy a machine's lines, a copy of it, or news for her copy, at the price she was shown.

    Billing answers as for work, with a hold or a refusal whose `work_id` is the purchase's id.
    """

    TYPE: ClassVar = "titan.ml.purchase.requested.v1"
    KEY: ClassVar = "purchase_id"

    purchase_id: UUID
    kind: PurchaseKind
    machine_id: UUID
    machine_name: str
    seller_id: UUID
    buyer_id: UUID
    price_usd: Amount
    columns: int
    lines: int
    requested_at: Moment


class PurchaseCompleted(Event):
    """What was bought is in the buyer's hands: the sale that billing charges. `copy_id` is the machine she got."""

    TYPE: ClassVar = "titan.ml.purchase.completed.v1"
    KEY: ClassVar = "purchase_id"

    purchase_id: UUID
    kind: PurchaseKind
    machine_id: UUID
    machine_name: str
    seller_id: UUID
    buyer_id: UUID
    price_usd: Amount
    columns: int
    lines: int
    copy_id: UUID | None = None
    completed_at: Moment


class PurchaseFailed(Event):
    """The purchase ended without a delivery, by an error or because it was cancelled: nothing is charged."""

    TYPE: ClassVar = "titan.ml.purchase.failed.v1"
    KEY: ClassVar = "purchase_id"

    purchase_id: UUID
    machine_id: UUID
    buyer_id: UUID
    cancelled: bool
    reason: str
    ended_at: Moment

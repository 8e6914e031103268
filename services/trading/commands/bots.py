"""Bots: made, changed, deleted, always with parameters their strategy accepts and things their user owns."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from service_base.errors import BadInput, Conflict, NotFound
from shared_models.clock import utc_now
from trading.models import Bot, UserAPIKey
from trading.queries import bot_for, key_for, machine_for, symbol_for
from trading.rules.features import COLUMNS
from trading.rules.strategies import STRATEGIES, InvalidParameters, build

SETTABLE = (
    "timeframe",
    "mode",
    "max_daily_trades",
    "risk_percentage",
    "stop_loss_percentage",
    "take_profit_percentage",
    "max_drawdown_percentage",
    "daily_loss_percentage",
    "starting_cash",
    "fee_rate",
    "spread",
    "slippage",
    "pauses",
    "pause_currencies",
)


class BotNameTaken(Conflict):
    """The person has a bot of that name."""

    slug = "bot-name-taken"
    title = "A bot of that name exists"


class BotIsRunning(Conflict):
    """A running bot cannot be changed or deleted."""

    slug = "bot-is-running"
    title = "The bot is running"


@transaction.atomic
def create_bot(*, user_id: UUID, name: str, symbol_id: UUID, strategy: str, **fields: Any) -> Bot:
    """Make a bot. Raises BadInput, NotFound (symbol, key, machine), BotNameTaken, or Django's ValidationError."""
    bot = Bot(user_id=user_id)
    _fill(bot, {"name": name, "symbol_id": symbol_id, "strategy": strategy} | fields)
    _save(bot, insert=True)
    return bot


@transaction.atomic
def change_bot(*, user_id: UUID, bot_id: UUID, **fields: Any) -> Bot:
    """Change a bot that is not running. Raises like create_bot, and BotIsRunning."""
    bot = _idle(user_id, bot_id)
    _fill(bot, fields)
    _save(bot, insert=False)
    return bot


@transaction.atomic
def delete_bot(*, user_id: UUID, bot_id: UUID) -> None:
    """Delete a bot; its runs and what they did stay. Raises NotFound, BotIsRunning."""
    bot = _idle(user_id, bot_id)
    if bot.runs.exists():
        bot.deleted_at = utc_now()
        bot.save(update_fields=["deleted_at", "updated_at"])
    else:
        bot.delete()


def _idle(user_id: UUID, bot_id: UUID) -> Bot:
    bot_for(user_id, bot_id)
    bot = Bot.objects.select_for_update().get(pk=bot_id)
    if bot.has_active_runs():
        raise BotIsRunning("Stop its run first; a running bot is neither changed nor deleted.")
    return bot


def _fill(bot: Bot, fields: dict[str, Any]) -> None:
    if "name" in fields:
        bot.name = str(fields["name"]).strip()
    if fields.get("symbol_id") is not None:
        bot.symbol = symbol_for(bot.user_id, fields["symbol_id"])
        bot.pair = bot.symbol.ticker
    if "exchange_key_id" in fields:
        key_id = fields["exchange_key_id"]
        bot.exchange_key = None if key_id is None else _key(bot.user_id, key_id)
    if "strategy" in fields or "parameters" in fields:
        bot.strategy = fields.get("strategy", bot.strategy)
        bot.parameters = checked_parameters(bot.strategy, fields.get("parameters", bot.parameters))
    for name in SETTABLE:
        if name in fields:
            setattr(bot, name, fields[name])
    must_be_able_to_ask(bot)


def checked_parameters(strategy: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters as the strategy keeps them. Raises BadInput, naming the field."""
    kind = STRATEGIES.get(strategy)
    if kind is None:
        raise BadInput(
            f"The strategy {strategy} is not in this version; choose {', '.join(STRATEGIES)}.", field="strategy"
        )
    try:
        return build(kind, parameters).parameters.model_dump(mode="json")  # type: ignore[no-any-return]
    except InvalidParameters as error:
        field, message = error.errors[0]
        raise BadInput(message, field=f"parameters.{field}" if field else "parameters") from None


def must_be_able_to_ask(bot: Bot) -> None:
    """Raise unless an ml_signal bot has a machine of its user, whose inputs we compute, and a TITAN key."""
    if bot.strategy != "ml_signal":
        return
    machine = machine_for(bot.user_id, bot.parameters.get("machine_id", ""))
    unknown = sorted(set(machine.input_columns) - set(COLUMNS))
    if unknown:
        raise BadInput(
            f"The machine asks for {', '.join(unknown[:5])}, which is not computed from candles; train one on the"
            " table of features of this symbol.",
            field="parameters.machine_id",
        )
    if bot.exchange_key is None or bot.exchange_key.exchange.kind != "titan":
        raise BadInput("Asking a machine needs one of your keys of TITAN.", field="exchange_key_id")


def _key(user_id: UUID, key_id: UUID) -> UserAPIKey:
    try:
        return key_for(user_id, key_id)
    except NotFound as error:
        raise NotFound(error.detail, field="exchange_key_id") from None


def _save(bot: Bot, *, insert: bool) -> None:
    bot.full_clean(exclude=["exchange_key"], validate_unique=False, validate_constraints=False)
    try:
        with transaction.atomic():
            bot.save(force_insert=insert)
    except IntegrityError as error:
        if "bot_name_once" not in str(error):
            raise
        raise BotNameTaken(f"You have a bot {bot.name} already.", field="name") from None

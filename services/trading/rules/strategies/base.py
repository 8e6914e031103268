"""The one interface that backtest, paper and live share, and the parameters a strategy is built from."""

from abc import ABC, abstractmethod
from decimal import Decimal
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trading.rules.book import Book
from trading.rules.candles import Candle
from trading.rules.orders import Intent


class Parameters(BaseModel):
    """Base of every strategy's parameters; forms are generated from its JSON schema."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Sized(Parameters):
    """Parameters of strategies whose entries may have a fixed size."""

    quantity: Decimal | None = Field(
        default=None,
        gt=0,
        title="Quantity",
        description="Fixed quantity of each entry; empty lets the bot's risk percentage size it.",
    )


class Context:
    """What a strategy may see at a candle's close: this candle and the account, nothing that comes later."""

    __slots__ = ("_book", "candle")

    candle: Candle

    def __init__(self, book: Book) -> None:
        self._book = book

    @property
    def index(self) -> int:
        return self._book.index

    @property
    def quantity(self) -> Decimal:
        return self._book.quantity

    @property
    def average_price(self) -> Decimal:
        return self._book.average_price

    @property
    def cash(self) -> Decimal:
        return self._book.cash

    @property
    def equity(self) -> Decimal:
        return self._book.equity


P = TypeVar("P", bound=Parameters)


class Strategy(ABC, Generic[P]):
    """A rule that is shown candles one by one, oldest first, and may answer each with an intent."""

    name: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    parameters_type: ClassVar[type[Parameters]]
    # A page shows the class itself; templates would otherwise call it to make an instance.
    do_not_call_in_templates: ClassVar[bool] = True

    def __init__(self, parameters: P) -> None:
        self.parameters = parameters

    @property
    def warmup(self) -> int:
        """How many earlier candles it wants to see before the first it may trade on."""
        return 0

    @abstractmethod
    def on_candle(self, context: Context) -> Intent | None:
        """Look at the closed candle and say what to do at the next one, if anything."""

    @abstractmethod
    def memory(self) -> dict[str, Any]:
        """What `recall` needs to continue after this candle exactly as if nothing had been interrupted."""

    @abstractmethod
    def recall(self, memory: dict[str, Any]) -> None:
        """Continue from what `memory` gave, after it went through JSON."""


class InvalidParameters(ValueError):
    """Parameters a strategy does not accept, field by field."""

    def __init__(self, strategy: str, errors: list[tuple[str, str]]) -> None:
        self.strategy = strategy
        self.errors = errors
        said = "; ".join(f"{field}: {message}" if field else message for field, message in errors)
        super().__init__(f"{strategy} does not accept these parameters: {said}")


def build(kind: type[Strategy[Any]], raw: dict[str, Any]) -> Strategy[Any]:
    """The strategy with checked parameters; raises InvalidParameters."""
    try:
        return kind(kind.parameters_type.model_validate(raw))
    except ValidationError as error:
        # pydantic puts the name of Python's exception before our own sentences.
        said = [(fault["loc"], fault["msg"].removeprefix("Value error, ")) for fault in error.errors()]
        faults = [(".".join(str(part) for part in place), sentence) for place, sentence in said]
        raise InvalidParameters(kind.name, faults) from None

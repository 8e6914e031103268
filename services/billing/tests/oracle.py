"""A second, tiny ledger in whole numbers, written from the rules alone, for the real one to be compared with.

One unit is 0.1 USD, one EAML or one COUPON, which are worth the same by the first price list.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


@dataclass
class Lot:
    """A coupon's credit."""

    id: UUID
    left: int
    ends: datetime
    held: int = 0


@dataclass
class Reserved:
    """A hold: what it took of each lot, of the tokens and of the dollars."""

    lots: list[tuple[Lot, int]]
    eaml: int
    usd: int


@dataclass
class Paid:
    """What a charge took of each lot, of the tokens and of the dollars, and what of it stayed owed."""

    lots: list[tuple[Lot, int]] = field(default_factory=list)
    eaml: int = 0
    usd: int = 0
    owed: int = 0

    def and_also(self, more: Paid) -> Paid:
        """Both charges as one."""
        return Paid(self.lots + more.lots, self.eaml + more.eaml, self.usd + more.usd, self.owed + more.owed)


@dataclass
class Pocket:
    """A person's money."""

    usd: int = 0
    eaml: int = 0
    owed: int = 0
    earned: int = 0
    transit: int = 0
    escrow: int = 0
    usd_held: int = 0
    eaml_held: int = 0
    lots: list[Lot] = field(default_factory=list)

    def free(self, now: datetime) -> int:
        """What she can spend on the platform."""
        return sum(lot.left - lot.held for lot in self._valid(now)) + self.eaml - self.eaml_held + self.usd_free

    @property
    def usd_free(self) -> int:
        """Dollars that nothing holds."""
        return self.usd - self.usd_held

    def reserve(self, price: int, now: datetime) -> Reserved:
        """Set `price` aside, in the order of spending; there is enough."""
        lots = []
        for lot in self._valid(now):
            part = min(price, lot.left - lot.held)
            if part:
                lot.held += part
                lots.append((lot, part))
                price -= part
        eaml = min(price, self.eaml - self.eaml_held)
        self.eaml_held += eaml
        self.usd_held += price - eaml
        return Reserved(lots, eaml, price - eaml)

    def give_back(self, hold: Reserved) -> None:
        """Undo a reservation."""
        for lot, part in hold.lots:
            lot.held -= part
        self.eaml_held -= hold.eaml
        self.usd_held -= hold.usd

    def take(self, hold: Reserved, used: int) -> Paid:
        """Pay at most `used` out of the reservation and give the rest back."""
        self.give_back(hold)
        taken = Paid()
        for lot, part in hold.lots:
            paid = min(used, part)
            lot.left -= paid
            used -= paid
            taken.lots.append((lot, paid))
        taken.eaml = min(used, hold.eaml)
        taken.usd = min(used - taken.eaml, hold.usd)
        self.eaml -= taken.eaml
        self.usd -= taken.usd
        return taken

    def pay(self, price: int, now: datetime) -> Paid:
        """Pay for what happened; what is not there is owed."""
        lots = []
        for lot in self._valid(now):
            part = min(price, lot.left - lot.held)
            lot.left -= part
            price -= part
            lots.append((lot, part))
        eaml = min(price, self.eaml - self.eaml_held)
        self.eaml -= eaml
        return Paid(lots, eaml).and_also(self.pay_usd(price - eaml))

    def pay_usd(self, price: int) -> Paid:
        """Pay in dollars only."""
        paid = min(price, self.usd_free)
        self.usd -= paid
        self.owed += price - paid
        return Paid(usd=paid, owed=price - paid)

    def get_back(self, paid: Paid) -> None:
        """A charge is taken back: what was owed of it is owed no more, or, paid meanwhile, comes back as dollars."""
        for lot, part in paid.lots:
            lot.left += part
        less = min(self.owed, paid.owed)
        self.owed -= less
        self.eaml += paid.eaml
        self.usd += paid.usd + paid.owed - less

    def give_up(self, earned: int) -> None:
        """A sale is taken back: its income goes, and what of it is gone already is owed."""
        there = min(self.earned, earned)
        self.earned -= there
        self.owed += earned - there

    def refund(self, amount: int) -> None:
        """A top-up went back at the provider: out of what is free, and the rest is owed."""
        there = min(self.usd_free, amount)
        self.usd -= there
        self.owed += amount - there

    def lapse(self, now: datetime) -> None:
        """Lose the free credit of coupons whose time is up."""
        for lot in self.lots:
            if lot.ends <= now:
                lot.left = lot.held

    def balances(self) -> dict[str, tuple[int, int]]:
        """What is on each account, and what of it is held."""
        return {
            "usd": (self.usd, self.usd_held),
            "eaml": (self.eaml, self.eaml_held),
            "coupons": (sum(lot.left for lot in self.lots), sum(lot.held for lot in self.lots)),
            "owed": (-self.owed, 0),
            "earned": (self.earned, 0),
            "transit": (self.transit, 0),
            "escrow": (self.escrow, 0),
        }

    def _valid(self, now: datetime) -> list[Lot]:
        return sorted((lot for lot in self.lots if lot.ends > now), key=lambda lot: (lot.ends, lot.id))

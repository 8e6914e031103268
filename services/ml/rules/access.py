"""Who may do what with a machine: the one place that says so."""

from __future__ import annotations

from enum import StrEnum


class Right(StrEnum):
    """What can be done with a machine. LIST is to see what a buyer must know, SEE is everything."""

    LIST = "list"
    SEE = "see"
    SOLVE = "solve"
    APPEND = "append"
    CHANGE = "change"
    DELETE = "delete"


class Channel(StrEnum):
    """By which way rows came to be solved; billing prices each differently."""

    OWN = "own"
    API = "api"
    MARKET = "market"


_MEMBER = frozenset({Right.LIST, Right.SEE, Right.SOLVE, Right.APPEND})
_OF_ROLE = {
    "viewer": frozenset({Right.LIST, Right.SEE}),
    "member": _MEMBER,
    "admin": _MEMBER | {Right.CHANGE},
    "owner": _MEMBER | {Right.CHANGE},
}
_BUYER = frozenset({Right.LIST, Right.SOLVE})
_LOOKING = frozenset({Right.LIST})
NOBODY: frozenset[Right] = frozenset()


def rights(*, is_owner: bool, role: str | None, sells_solving: bool, is_listed: bool = False) -> frozenset[Right]:
    """All rights of a person: as the machine's owner, by her role in its team, and by what was made public."""
    if is_owner:
        return frozenset(Right)
    public = (_BUYER if sells_solving else NOBODY) | (_LOOKING if is_listed else NOBODY)
    return _OF_ROLE.get(role or "", NOBODY) | public


def channel(*, belongs: bool, by_key: bool) -> Channel:
    """`belongs`: the machine is the caller's own or her team's; whoever else solves, buys."""
    if not belongs:
        return Channel.MARKET
    return Channel.API if by_key else Channel.OWN

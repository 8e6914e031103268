"""Who joined which group on one connection: the embedded broker never forgets a member that died, so its gate does."""

from __future__ import annotations

import struct

from titan.embedded.kafka_wire import Fields, Request

JOIN_GROUP, HEARTBEAT, LEAVE_GROUP, SYNC_GROUP = 11, 12, 13, 14


class Members:
    """The members that speak through one connection, and for how long they may be silent."""

    def __init__(self) -> None:
        self.silence: float | None = None
        self._joined: dict[tuple[str, str], None] = {}
        self._given_up: list[tuple[str, str]] = []

    def hear(self, request: Request) -> None:
        """Note who asks; versions with compact fields are not understood, and their members then live for ever."""
        if request.api == JOIN_GROUP and request.version <= 5:
            body = request.body()
            group, self.silence = body.string(), body.int32() / 1000
            if request.version >= 1:
                body.int32()
            member = body.string()
            if member:
                self._note(group, member)
            else:
                self._give_up(group)
        elif request.api in (SYNC_GROUP, HEARTBEAT) and request.version <= 3:
            body = request.body()
            group = body.string()
            body.int32()
            self._note(group, body.string())
        elif request.api == LEAVE_GROUP and request.version <= 2:
            body = request.body()
            self._joined.pop((body.string(), body.string()), None)

    def learn(self, request: Request, answer: bytes) -> None:
        """Note the name that a first join was given."""
        if request.api != JOIN_GROUP or request.version > 5:
            return
        fields = Fields(answer, 4)
        if request.version >= 2:
            fields.int32()
        fields.int16()
        fields.int32()
        fields.string()
        fields.string()
        self._note(request.body().string(), fields.string())

    def given_up(self) -> list[bytes]:
        """The requests that take out members whose client has just joined anew under no name."""
        frames = [_leave(group, member) for group, member in self._given_up]
        self._given_up.clear()
        return frames

    def leaving(self) -> list[bytes]:
        """The requests that take all of them out of their groups; afterwards there is nobody."""
        frames = [_leave(group, member) for group, member in self._joined]
        self._joined.clear()
        return frames

    def _give_up(self, group: str) -> None:
        # A client whose commit was refused during a rebalance forgets who it was; nobody else will speak for that name.
        self._given_up = [place for place in self._joined if place[0] == group]
        for place in self._given_up:
            del self._joined[place]

    def _note(self, group: str, member: str) -> None:
        if member:
            self._joined[group, member] = None


def _leave(group: str, member: str) -> bytes:
    texts = b"".join(struct.pack("!h", len(text)) + text for text in (group.encode(), member.encode()))
    return struct.pack("!hhih", LEAVE_GROUP, 0, 1, -1) + texts

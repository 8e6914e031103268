"""Groups on an axis, the colours of a group side by side in its slot; upright or lying."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ml.graphs.look import Look, Spec, axis_of, hue_of, slots_of
from ml.graphs.material import Numbers, Rows
from ml.graphs.picture import Cell, field_of, in_panel, layer, panel_head, size_of
from ml.graphs.scene import Panel, Scene

# What a slot leaves free between groups.
FILLED = 0.8


@dataclass(frozen=True, slots=True)
class Slot:
    """One group of one colour in a panel: where it stands, how much room it has, and its lines."""

    group: str
    hue: str
    middle: float
    width: float
    rows: Rows


@dataclass(frozen=True, slots=True)
class Stand:
    """Which dimension holds the groups, which the numbers, and what they are called in the picture."""

    groups: str
    values: str

    @property
    def is_lying(self) -> bool:
        """Whether groups stand below each other."""
        return self.groups == "y"

    def slots(self, scene: Scene, panel: Panel) -> Iterator[Slot]:
        """All groups and colours of the panel that have lines."""
        names = scene.names(self.groups)
        hues = scene.names("hue")
        # A colour that is the group itself needs no room beside others.
        own = bool(hues) and scene.name_of("hue") == scene.name_of(self.groups)
        width = FILLED / (1 if own or not hues else len(hues))
        for group, of_group in scene.parts(self.groups, panel):
            inside = Panel(of_group)
            for hue, rows in scene.parts("hue", inside):
                away = 0.0 if own or not hues else (hues.index(hue) - (len(hues) - 1) / 2) * width
                yield Slot(group, hue, names.index(group) + away, width, rows)

    def axes(self, scene: Scene, column: Numbers, span: tuple[float, float]) -> dict[str, Spec]:
        """The two axes of a panel."""
        groups = scene.groups(self.groups)
        assert groups is not None
        slots = slots_of(self.groups, groups.names, groups.name, width=size_of(scene).width, reverse=self.is_lying)
        return {self.groups: slots, self.values: axis_of(self.values, column, span, room=0.04)}

    def rect(self, values: list[dict[str, object]], mark: Spec, **more: Spec) -> Spec:
        """Boxes from (`start`, `low`) to (`end`, `high`)."""
        return layer({"type": "rect", **mark}, values, **self._between(), **more)

    def rule(self, values: list[dict[str, object]], mark: Spec, **more: Spec) -> Spec:
        """Straight lines between the same."""
        return layer({"type": "rule", **mark}, values, **self._between(), **more)

    def point(self, values: list[dict[str, object]], mark: Spec, **more: Spec) -> Spec:
        """Points at (`at`, `value`)."""
        ends = {self.groups: field_of("at"), self.values: field_of("value")}
        return layer({"type": "point", "filled": True, **mark}, values, **ends, **more)

    def _between(self) -> dict[str, Spec]:
        across, upwards = self.groups, self.values
        return {
            across: field_of("start"),
            f"{across}2": field_of("end"),
            upwards: field_of("low"),
            f"{upwards}2": field_of("high"),
        }


def hue_channel(scene: Scene, look: Look) -> Spec:
    """The colours of the hue column."""
    hue = scene.groups("hue")
    return hue_of(hue.names if hue else [], hue.name if hue else "", look)


def slot_head(scene: Scene, stand: Stand) -> list[str]:
    """What stands over the first cells of a slot's figures."""
    groups, hue = scene.name_of(stand.groups), scene.groups("hue")
    return [*panel_head(scene), groups, *([hue.name] if hue and hue.name != groups else [])]


def slot_cells(scene: Scene, stand: Stand, panel: Panel, slot: Slot) -> list[Cell]:
    """Those cells."""
    hue = scene.groups("hue")
    is_other = hue is not None and hue.name != scene.name_of(stand.groups)
    return [*in_panel(panel, scene), slot.group, *([slot.hue] if is_other else [])]


def slot_name(slot: Slot) -> str:
    """A slot in words."""
    return f"{slot.group}, {slot.hue}" if slot.hue and slot.hue != slot.group else slot.group

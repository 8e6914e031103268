"""Asks a machine over ml's HTTP API, as the run's owner and at the owner's cost; never makes an answer up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import httpx

from service_base.addresses import url_of
from shared_models.ids import derived_id
from trading.rules.features import FeatureRow

ASK_SECONDS = 30.0
ROWS_AT_ONCE = 200


class Refused(Exception):
    """The machine will not answer until its owner does something: pay, make a new key, train it."""


class NoAnswer(Exception):
    """No answer right now; asking again later may help. `retry_after` is what ml asked for, in seconds."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Machine:
    """One machine, asked for one run."""

    def __init__(
        self, *, run_id: UUID, machine_id: str, columns: Sequence[str], output: str, api_key: str, refusals: int
    ) -> None:
        self._run_id = run_id
        # A refusal is an answer too and would come back under its key for ever; what cost nothing may be asked anew.
        self._refusals = refusals
        self._columns = list(columns)
        self._output = output
        self._url = f"{url_of('ml')}/api/v1/machines/{machine_id}/solve"
        self._headers = {"Authorization": f"Bearer {api_key}"}

    def ask(self, rows: Sequence[FeatureRow]) -> list[float]:
        """The signal of each row, in order. Asked again for the same candles, ml charges once.

        Raises Refused, NoAnswer.
        """
        key = derived_id("signal", self._run_id, rows[0].time, rows[-1].time, self._refusals)
        body = {"rows": [self._row(row) for row in rows]}
        try:
            answer = httpx.post(
                self._url,
                json=body,
                headers=self._headers | {"Idempotency-Key": str(key)},
                timeout=ASK_SECONDS,
                trust_env=False,
            )
        except httpx.HTTPError as error:
            raise NoAnswer(f"the ml service does not answer: {type(error).__name__}") from error
        return self._read(answer, len(rows))

    def _row(self, row: FeatureRow) -> dict[str, float]:
        named = row.named()
        return {column: named[column] for column in self._columns}

    def _read(self, answer: httpx.Response, expected: int) -> list[float]:
        if answer.status_code == 429 or answer.status_code >= 500:
            wait = answer.headers.get("Retry-After", "")
            raise NoAnswer(_said(answer), float(wait) if wait.isdigit() else None)
        if answer.status_code >= 400:
            raise Refused(_said(answer))
        items = answer.json()["results"]
        if len(items) != expected:
            raise NoAnswer(f"ml answered {len(items)} of {expected} rows")
        return [signal_in(item, self._output) for item in items]


def signal_in(item: dict[str, Any], output: str) -> float:
    """The number in an answer: `prediction` is the value itself, `p_<label>` the probability of that label.

    Raises Refused when the answer has no such number.
    """
    if output.startswith("p_"):
        label = output.removeprefix("p_")
        for probabilities in item.get("probabilities", {}).values():
            if label in probabilities:
                return float(probabilities[label])
        raise Refused(f"the machine's answer has no probability of {label}")
    for value in item.get("values", {}).values():
        try:
            return float(value)
        except (TypeError, ValueError):
            break
    raise Refused(f"the machine's answer is no number; use p_<label> of one of {sorted(_labels(item))} instead")


def _labels(item: dict[str, Any]) -> set[str]:
    return {label for probabilities in item.get("probabilities", {}).values() for label in probabilities}


def _said(answer: httpx.Response) -> str:
    try:
        detail = str(answer.json().get("detail", ""))
    except ValueError:
        detail = ""
    return f"ml answered {answer.status_code}{': ' if detail else ''}{detail}"[:280]

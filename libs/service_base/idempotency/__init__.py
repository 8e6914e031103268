"""Stored answers: a write repeated under the same Idempotency-Key happens once and is answered alike."""

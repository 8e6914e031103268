"""Billing's rules, one sentence each."""

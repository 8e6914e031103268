"""Billing's decisions: what things cost, who pays with what, what a movement was. No Django, no I/O."""

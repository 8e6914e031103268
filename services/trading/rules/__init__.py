"""Pure trading decisions: no Django, no network, no clock of their own."""

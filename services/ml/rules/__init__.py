"""ml's decisions: rights, work's states, prices, the parts columns play. No Django, no I/O."""

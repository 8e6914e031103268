"""People, teams, keys and the audit trail."""

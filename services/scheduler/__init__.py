"""The economic calendar, jobs that fire exactly once, and the platform's log."""

"""Scheduler's decisions: when a job fires, what a missed instant becomes, what a calendar file says."""

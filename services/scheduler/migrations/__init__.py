"""Migrations of scheduler."""

"""What `ledger.py` runs beside billing: consumers, a feeder of usage events, a filler of the past, readers."""

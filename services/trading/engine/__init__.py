"""The engine: leases open runs, shows each its candles, and writes every step under its lease."""

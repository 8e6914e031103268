"""A service for the bus's tests: it says and hears one kind of event."""

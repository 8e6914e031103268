"""The smallest service with an event bus: it counts, says so, and writes down each count it hears of."""

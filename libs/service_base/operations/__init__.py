"""What operators see and do in every service: parked events, counts, the contracts that are spoken here."""

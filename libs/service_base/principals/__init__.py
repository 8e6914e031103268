"""People, teams and keys as identity last told this service about them."""

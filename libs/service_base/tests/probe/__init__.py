"""A service for the base's tests: an API with two routes and one page."""

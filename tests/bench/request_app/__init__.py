"""A service of three routes, served in several ways, so that ways of serving can be compared."""

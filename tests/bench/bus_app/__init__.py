"""A service that only carries events, for measuring: people's changes out through the relay, in to their projection."""

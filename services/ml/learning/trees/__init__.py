"""Boosted trees beside the networks: grown with LightGBM where it is installed, kept and served as plain arrays."""

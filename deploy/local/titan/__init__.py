"""TITAN on one machine: the embedded stack and the `titan` command."""

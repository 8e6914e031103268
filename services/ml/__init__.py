"""Tables in, trained machines out, rows solved."""

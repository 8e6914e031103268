"""What breaks things and counts what came of it: real processes of a small service, their failpoints, the checks."""

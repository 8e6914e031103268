"""ml as TITAN serves it, with two routes beside solving to compare it with."""

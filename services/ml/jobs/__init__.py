"""What runs in a process of its own, so that its memory goes away with it: reading, training, batch solving."""

"""Networks trained with JAX on one thread: shape, steps, members on folds, and the best of each kept."""

"""Networks trained with JAX: shape, steps, members on folds, and the best of each kept."""

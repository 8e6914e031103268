"""Cells to numbers and back: one encoding a column kind, each with a row path and a batch path side by side.

Both paths do the same double arithmetic in the same order, so that a row solved alone and the same row in a file
get the same bits (held by a property test). Nothing here imports JAX or scikit-learn.
"""

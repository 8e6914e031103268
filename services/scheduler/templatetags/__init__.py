"""Template tags of scheduler."""

"""Template tags of ml's pages."""

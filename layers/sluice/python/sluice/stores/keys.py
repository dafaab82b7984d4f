"""placeholder: written by the keys work."""

"""The HTTP calls to providers: the one place where they leave."""

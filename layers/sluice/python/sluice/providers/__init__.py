"""Wire formats of the providers: pure functions, one module each."""

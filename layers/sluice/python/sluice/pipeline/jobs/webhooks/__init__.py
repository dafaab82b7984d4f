"""Telling clients' addresses that their jobs are over."""

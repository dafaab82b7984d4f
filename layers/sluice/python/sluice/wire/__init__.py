"""Byte codecs: bytes in, events out."""

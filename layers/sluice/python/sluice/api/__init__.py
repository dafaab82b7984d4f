"""Shapes that clients send and see."""

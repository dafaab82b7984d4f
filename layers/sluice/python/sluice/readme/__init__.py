"""The parts of README.md that are made of declarations: which provider can express what, and which models there are.

For developers only: it is not deployed.
"""

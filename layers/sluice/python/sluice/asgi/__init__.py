"""What stands between ASGI and the pipeline: bodies, envelopes, streams."""

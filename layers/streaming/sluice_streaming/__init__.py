"""A Lambda runtime that streams what an ASGI application sends."""

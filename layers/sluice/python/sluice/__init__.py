"""Sluice: an OpenAI-compatible AI gateway on AWS Lambda."""

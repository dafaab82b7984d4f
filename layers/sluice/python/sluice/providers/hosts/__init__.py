"""Hosts of OpenAI's format: a declaration each, of what they refuse, name otherwise or want beside."""

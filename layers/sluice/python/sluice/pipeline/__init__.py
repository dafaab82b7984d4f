"""The request's path: one verb a module, chat.py reads top to bottom as the path."""

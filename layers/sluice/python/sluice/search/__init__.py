"""Web search: engines as pure modules, and what is made of a conversation and of what they find."""

"""All AWS access, one module a table or service."""

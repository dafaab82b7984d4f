"""The contract as an OpenAPI 3.1 document, made of the shapes and of the functions' routes; not deployed.

``python -m sluice.openapi`` (``make openapi``) writes it where the docs function serves it. A new endpoint is a row in
``endpoints``; the document cannot be made while a route lacks one.
"""

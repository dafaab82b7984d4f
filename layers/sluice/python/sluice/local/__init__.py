"""The development server; imported by nothing that is deployed."""

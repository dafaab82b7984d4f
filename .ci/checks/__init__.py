"""What ``make lint`` asks beside ruff and mypy: of the template, of secrets in files, and of known vulnerabilities."""

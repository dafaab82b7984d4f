"""Why a development server may not start or be found."""


class LocalError(Exception):
    """Base of the faults that a person at the terminal can mend; the message says how things stand."""


class TemplateError(LocalError):
    """The template lacks what a development server needs, or asks for what it cannot do."""

"""What is wrong with functions' variables, by what the functions have been seen to read: see ``recorded_calls``."""

from collections.abc import Iterator, Mapping
from typing import Any

from recorded_calls import Recording, Variable
from sluice.config import PREFIX, EnvironmentSettings
from template_parts import resources
from template_values import NOTHING

FUNCTION = "AWS::Lambda::Function"
WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
"""What Lambda itself reads, before it starts a runtime: without it an ASGI application is called as a handler."""
APPLICATION = "app.app"

OF_LAMBDA = frozenset(
    {
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    }
)
"""Variables that Lambda sets in every function.

Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""

EXTRAS: Mapping[str, str] = {
    "AWS_ENDPOINT_URL_DYNAMODB": "one service elsewhere than at its own addresses: a VPC's, an emulator's",
    "AWS_ENDPOINT_URL_S3": "the same",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER": "the same",
    "AWS_ENDPOINT_URL_SFN": "the same",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "switches such addresses off",
    "SLUICE_CATALOG": "the catalogue that is shipped",
    "SLUICE_CIRCUIT_FAILURES": "a default that fits most",
    "SLUICE_CIRCUIT_READ_SECONDS": "the same",
    "SLUICE_CIRCUIT_SECONDS": "the same",
    "SLUICE_FIRST_BYTE_SECONDS": "the same",
    "SLUICE_HOLD_SECONDS": "longer than any function can run",
    "SLUICE_IDEMPOTENCY_SECONDS": "a default that fits most",
    "SLUICE_IMAGE_JOB_SECONDS": "the machine's own limit is not far behind it",
    "SLUICE_IMAGE_TIMEOUT_SECONDS": "the function's own limit is not far behind it",
    "SLUICE_KEEP_ALIVE_SECONDS": "a default that fits most",
    "SLUICE_KEY_CACHE_SECONDS": "the same",
    "SLUICE_KEY_CACHE_SIZE": "the same",
    "SLUICE_LINK_SECONDS": "the same",
    "SLUICE_LONGEST_POLL_SECONDS": "the same",
    "SLUICE_MAX_BODY_BYTES": "what Lambda takes",
    "SLUICE_MAX_IMAGE_BYTES": "what fits the function's memory",
    "SLUICE_MAX_VIDEO_BYTES": "the same",
    "SLUICE_MODELS_CACHE_SECONDS": "a default that fits most",
    "SLUICE_POLL_SECONDS": "the same",
    "SLUICE_PROVIDER_AWS_ACCESS_KEY_ID": "the function's own role asks providers",
    "SLUICE_PROVIDER_AWS_DEFAULT_REGION": "the same",
    "SLUICE_PROVIDER_AWS_REGION": "the same",
    "SLUICE_PROVIDER_AWS_SECRET_ACCESS_KEY": "the same",
    "SLUICE_PROVIDER_AWS_SESSION_TOKEN": "the same",
    "SLUICE_RETRIES": "a default that fits most",
    "SLUICE_SEARCH_SECONDS": "the same",
    "SLUICE_STREAM_TIMEOUT_SECONDS": "the function's own limit is not far behind it",
    "SLUICE_TIMEOUT_SECONDS": "the same",
    "SLUICE_VIDEO_JOB_SECONDS": "the machine's own limit is not far behind it",
    "SLUICE_WEBHOOK_DELAYS": "what the specification suggests",
    "SLUICE_WEBHOOK_SECRET": "the name that the template gives it",
}
"""Variables that the template leaves to operators, and what stands in their place. Each has a default in ``config``."""


AT_IMPORT: Mapping[str, str] = {
    "AWS_EXECUTION_ENV": "Lambda's",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "Lambda's",
    "AWS_LAMBDA_LOG_LEVEL": "Lambda's, of LoggingConfig",
    "LAMBDA_TASK_ROOT": "Lambda's",
    "LOG_LEVEL": "for operators: how much is logged",
    "POWERTOOLS_DEBUG": "for operators, while they look for a fault",
    "POWERTOOLS_DEV": "for operators, while they look for a fault",
    "POWERTOOLS_LOGGER_SAMPLE_RATE": "for operators: how much is logged",
    "POWERTOOLS_LOG_DEDUPLICATION_DISABLED": "for operators, while they look for a fault",
    "POWERTOOLS_LOG_LEVEL": "for operators: how much is logged",
    "POWERTOOLS_SERVICE_NAME": "for operators: the service in the log",
}
"""Variables that are read while modules are imported, before any function does anything: whose they are.

Source: https://docs.powertools.aws.dev/lambda/python/latest/environment_variables/.
"""

RUNTIME: Mapping[str, str] = {
    "AWS_LAMBDA_RUNTIME_API": "Lambda's",
    "_HANDLER": "Lambda's",
    "AWS_LAMBDA_MAX_CONCURRENCY": "Lambda's",
    "AWS_SAM_LOCAL": "set by sam local, and by nobody else",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "Lambda's",
}
"""Variables that the streaming runtime reads."""


def variable_findings(translated: Mapping[str, Any], recording: Recording) -> list[str]:
    """Of all functions."""
    functions = resources(translated, FUNCTION)
    return [
        finding
        for name in functions
        for finding in findings_of(name, functions[name]["Properties"], recording)
    ]


def findings_of(function: str, properties: Mapping[str, Any], recording: Recording) -> list[str]:
    """Of one, with these properties."""
    return list(_findings(function, properties, recording))


def _findings(function: str, properties: Mapping[str, Any], recording: Recording) -> Iterator[str]:
    variables = properties.get("Environment", {}).get("Variables", {})
    given = set(variables)
    read, used, required = (
        _of(function, variables) for variables in (recording.read, recording.used, recording.required)
    )
    if not read:
        yield f"{function} has no journey that says which variables it reads: add one to function_journeys"
        return
    if properties["Handler"] == APPLICATION:
        read = read | {WRAPPER}
    for name in sorted(read - given - OF_LAMBDA - EXTRAS.keys()):
        need = "cannot start without" if name in required else "reads"
        yield (
            f"{function} {need} {name}, which the template does not set: set it in template.yaml, or, if it is for "
            "operators to add, say so in variable_findings.EXTRAS"
        )
    for name in sorted(given & required):
        condition = _condition(variables[name])
        if condition is not None:
            yield f"{function} cannot start without {name}, which {condition} may leave unset: set it in both cases"
    for name in sorted(given - read):
        yield f"{function}: {name} is set, and nothing reads it: take it out of template.yaml"
    for name in sorted((given & read & setting_names()) - used):
        yield f"{function}: {name} is set and read, and nothing uses it: take it out of template.yaml and its settings"
    for name in sorted(required - used):
        yield f"{function}: its settings cannot be made without {name}, which nothing uses: take it out of them"


def _condition(value: Any) -> str | None:
    """The condition that decides whether a variable is set at all; None where it is whatever is decided."""
    match value:
        case {"Fn::If": [str(condition), *sides]}:
            return condition if NOTHING in sides else next(filter(None, map(_condition, sides)), None)
    return None


def setting_names() -> frozenset[str]:
    """The variables of all settings."""
    return frozenset(PREFIX + field.upper() for kind in settings_kinds() for field in kind.model_fields)


def settings_kinds(
    kind: type[EnvironmentSettings] = EnvironmentSettings,
) -> Iterator[type[EnvironmentSettings]]:
    """All kinds of settings."""
    yield kind
    for each in kind.__subclasses__():
        yield from settings_kinds(each)


def _of(function: str, variables: frozenset[Variable]) -> frozenset[str]:
    return frozenset(each.name for each in variables if each.function == function)

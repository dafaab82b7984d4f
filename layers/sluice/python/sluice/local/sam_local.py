"""What ``sam local`` is told, so that functions in its containers use the stand-in for AWS of this machine."""

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from sluice.local.aws_process import LOOPBACK
from sluice.local.blueprint import Function, Resolved

FROM_CONTAINERS = "host.docker.internal"
"""What Docker Desktop calls the machine that it runs on, where it reaches even what listens on the loopback alone."""


def function_variables(
    functions: Iterable[Function], outputs: Mapping[str, str], endpoint_url: str
) -> dict[str, dict[str, str]]:
    """The variables of each function, by its name in the template: what ``--env-vars`` reads from a file.

    SAM does not know what became of a template's tables: it gives functions the names that these have in the template.

    Args:
        functions: the template's.
        outputs: of the stack that was made.
        endpoint_url: where the stand-in for AWS listens.
    """
    address = urlsplit(endpoint_url)
    host = FROM_CONTAINERS if address.hostname == LOOPBACK else address.hostname
    own = {"AWS_ENDPOINT_URL": f"{address.scheme}://{host}:{address.port}"}
    return {
        function.name: {
            **own,
            **{
                name: outputs[value.output] if isinstance(value, Resolved) else value
                for name, value in function.variables.items()
            },
        }
        for function in functions
    }

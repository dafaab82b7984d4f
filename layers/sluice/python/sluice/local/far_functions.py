"""The functions as AWS's stand-in reaches them: they live in the process that started it.

What Step Functions would say to Lambda and to EventBridge is said to that process, at its bridge (``local.bridge``).
Functions that live still farther away, behind an endpoint of Lambda's API such as that of ``sam local start-lambda``,
take their place at the bridge as handlers (``FarHandler``).
"""

import io
import json
import urllib.parse
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any

from botocore.exceptions import ClientError

INVOCATIONS = "/2015-03-31/functions/{}/invocations"
"""Where Lambda's own API has a function. Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html"""

EVENTS = "/events"
FUNCTION_ERROR = "X-Amz-Function-Error"
"""The header of a reply by a function that has failed; the status is 200 all the same."""

ERROR_TYPE = "X-Amzn-ErrorType"
"""The header of a reply by Lambda itself, with its name for what went wrong."""

VERSION = "$LATEST"


class FunctionFailedError(Exception):
    """A function behind an endpoint of Lambda's API has failed.

    Attributes:
        reply: what Lambda tells its caller: the error's type and its message, by Lambda's names.
    """

    def __init__(self, reply: Mapping[str, Any]) -> None:
        super().__init__(f"{reply.get('errorType')}: {reply.get('errorMessage')}")
        self.reply = reply


class FarFunctions:
    """Calls functions, and tells events. It has what moto uses of boto3's client of Lambda.

    Args:
        address: of the bridge, as ``host:port``.
    """

    def __init__(self, address: str) -> None:
        self._address = address

    def invoke(self, **members: Any) -> dict[str, Any]:
        """Call a function and wait for its end, however long it takes.

        Args:
            members: ``FunctionName``, its name or ARN, and ``Payload``; others mean nothing here.

        Raises:
            ClientError: there is no such function, or nothing to call it with.
            OSError, HTTPException: the bridge is not there any more.
        """
        name = urllib.parse.quote(members["FunctionName"].rpartition(":")[2], safe="")
        reply, body = self._post(INVOCATIONS.format(name), members["Payload"])
        if reply.status != HTTPStatus.OK:
            code = reply.headers.get(ERROR_TYPE, "ServiceException")
            said: Any = {"Code": code, "Message": body.decode(errors="replace")}
            metadata: Any = {"HTTPStatusCode": reply.status, "RequestId": ""}
            raise ClientError({"Error": said, "ResponseMetadata": metadata}, "Invoke")
        found = {
            "StatusCode": reply.status,
            "ExecutedVersion": VERSION,
            "Payload": io.BytesIO(body),
        }
        error = reply.headers.get(FUNCTION_ERROR)
        return found if error is None else {**found, "FunctionError": error}

    def tell(self, event: Mapping[str, Any]) -> None:
        """Hand an event over, for the functions whose rules are for it; whether there is one, nobody says.

        It is lost if the bridge is not there any more: then so are the functions.
        """
        try:
            self._post(EVENTS, json.dumps(event).encode())
        except (OSError, HTTPException):
            return

    def _post(self, path: str, body: bytes) -> tuple[HTTPResponse, bytes]:
        host, _, port = self._address.rpartition(":")
        connection = HTTPConnection(host, int(port))
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            reply = connection.getresponse()
            return reply, reply.read()
        finally:
            connection.close()


class FarHandler:
    """A function behind an endpoint of Lambda's API, as a handler like one of this process (``local.invocations``).

    Args:
        name: the function's.
        address: of the endpoint, as ``host:port``.
    """

    def __init__(self, name: str, address: str) -> None:
        self._name = name
        self._functions = FarFunctions(address)

    def __call__(self, event: Any, _context: Any) -> Any:
        """Call the function, and give its reply.

        Raises:
            FunctionFailedError: it failed.
            ClientError, OSError, HTTPException: it could not be called.
        """
        found = self._functions.invoke(FunctionName=self._name, Payload=json.dumps(event).encode())
        reply = json.loads(found["Payload"].read())
        if "FunctionError" in found:
            raise FunctionFailedError(reply)
        return reply

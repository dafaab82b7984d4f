"""API Gateway's REST proxy events, as the platform hands them to a function."""

from typing import Any

type ProxyEvent = dict[str, Any]


def proxy_event(path: str = "/v1/echo", *, method: str = "POST", **members: Any) -> ProxyEvent:
    """Build an event; ``members`` replace those of the same name."""
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {"Host": "api.example.com", "X-Forwarded-Proto": "https", "X-Forwarded-Port": "443"},
        "multiValueHeaders": {
            "Host": ["api.example.com"],
            "X-Forwarded-Proto": ["https"],
            "X-Forwarded-Port": ["443"],
        },
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": path.strip("/")},
        "stageVariables": None,
        "requestContext": {"stage": "prod", "identity": {"sourceIp": "192.0.2.7"}, "requestId": "gateway-1"},
        "body": None,
        "isBase64Encoded": False,
        **members,
    }


HOSTILE_HEADERS: list[dict[str, list[str]]] = [
    {"X-Forwarded-Port": ["443, 80"]},
    {"X-Forwarded-Port": ["4", "43"]},
    {"x-forwarded-port": ["https"]},
    {"Host": ["a:b:c"]},
    {"HOST": ["[::1]:443"]},
    {"Host": ["a.example:"], "X-Forwarded-Host": ["evil.example"]},
    {"X-Forwarded-For": ["203.0.113.9"], "Forwarded": ["for=203.0.113.9;host=evil.example"]},
    {"X-HTTP-Method-Override": ["DELETE"], "X-HTTP-Method": ["DELETE"], "X-Method-Override": ["DELETE"]},
    {"X-Original-URL": ["/secret"], "X-Rewrite-URL": ["/secret"]},
    {"Transfer-Encoding": ["chunked"], "Content-Length": ["5", "6"], "Connection": ["close, authorization"]},
    {"a_b": ["1"], "": [""], "x y": ["1"]},
]
"""What a client may send of how it came here, or to be taken for another request; several lines of a name each."""

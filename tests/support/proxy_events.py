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

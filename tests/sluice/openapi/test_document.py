"""The document is of what is served, and the file is the document."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from local_stack import ROOT
from sluice.errors import InvalidAPIKeyError, RateLimitError, SluiceError
from sluice.openapi.__main__ import TARGET, rendered
from sluice.openapi.document import UndocumentedError, document
from sluice.openapi.endpoint import Endpoint
from sluice.openapi.endpoints import ENDPOINTS
from sluice.openapi.failures import failures, response_name
from sluice.openapi.routes import Routes, routes


@pytest.fixture(scope="module")
def served() -> Routes:
    return routes()


@pytest.fixture(scope="module")
def found(served: Routes) -> dict[str, Any]:
    return document(served)


def operations(found: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_the_committed_file_is_what_the_generator_gives() -> None:
    assert TARGET == ROOT / "functions" / "docs" / "openapi.json"
    assert TARGET.read_text(encoding="utf-8") == rendered(), "run: make openapi"


def test_it_is_valid_openapi(found: dict[str, Any]) -> None:
    assert found["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(found).validate()


def test_members_that_are_the_gateways_own_are_described(found: dict[str, Any]) -> None:
    members = found["components"]["schemas"]["ChatCompletionRequest"]["properties"]
    assert "in this order after `model`" in members["models"]["description"]
    assert "place of the fallbacks" in members["models"]["description"]
    assert "`search_result`" in members["search_enabled"]["description"]


def test_a_route_without_a_row_is_named(served: Routes) -> None:
    with pytest.raises(UndocumentedError, match=r"^GET /v1/new has no row$"):
        document({**served, "/v1/new": frozenset({"GET"})})
    with pytest.raises(UndocumentedError, match=r"^DELETE /v1/models has no row$"):
        document({**served, "/v1/models": frozenset({"GET", "DELETE"})})


def test_a_row_without_a_route_is_named(served: Routes) -> None:
    fewer = {path: methods for path, methods in served.items() if path != "/api/v1/chat"}
    with pytest.raises(UndocumentedError, match=r"^POST /api/v1/chat has no route$"):
        document(fewer)


def test_a_new_endpoint_is_one_row(served: Routes) -> None:
    row = Endpoint(
        paths=("/v1/new",), method="GET", id="new", tag="Models", summary="New", reply={"text/plain": {}}
    )
    grown = document({**served, "/v1/new": frozenset({"GET"})}, (*ENDPOINTS, row))
    assert grown["paths"]["/v1/new"]["get"]["operationId"] == "new"


def test_every_path_under_v1_is_there_under_api_too(found: dict[str, Any]) -> None:
    """But for the address that only providers are told."""
    paths = {path for path in found["paths"] if path.startswith("/v1/") and "/callbacks/" not in path}
    assert {f"/api{path}" for path in paths} <= set(found["paths"])


def test_names_are_unique(found: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(found)]
    assert len(names) == len(set(names))
    links = [
        link["operationId"]
        for _, _, operation in operations(found)
        for reply in operation["responses"].values()
        for link in reply.get("links", {}).values()
    ]
    assert links
    assert set(links) <= set(names)


def test_every_reply_has_a_request_id_and_every_failure_the_envelope(found: dict[str, Any]) -> None:
    for path, method, operation in operations(found):
        for status, told in operation["responses"].items():
            name = told.get("$ref", "").rpartition("/")[2]
            reply = found["components"]["responses"][name] if name else told
            assert "x-request-id" in reply["headers"], (path, method, status)
            if int(status) >= 400:
                (content,) = reply["content"].values()
                assert content["schema"]["allOf"][0] == {"$ref": "#/components/schemas/Error"}
    assert found["components"]["headers"]["x-request-id"]["required"] is True


OPEN_PATHS = {"/health", "/openapi.json"}
"""Of those that take no key; beside the models' and the page's."""


def test_what_wants_a_key_says_so_and_what_it_is_limited_by(found: dict[str, Any]) -> None:
    for path, _, operation in operations(found):
        keyed = not (path in OPEN_PATHS or {"models", "docs", "callbacks"} & set(path.split("/")))
        assert operation["security"] == ([{"key": []}] if keyed else [])
        assert ("401" in operation["responses"]) == keyed
        for status, reply in operation["responses"].items():
            if status.startswith("2") or status == "307":
                assert ("x-ratelimit-limit-rpm" in reply["headers"]) == keyed


def test_a_success_that_is_no_200_is_told(found: dict[str, Any]) -> None:
    def successes(method: str, path: str) -> list[str]:
        return [status for status in found["paths"][path][method]["responses"] if status < "4"]

    assert successes("post", "/v1/images/generations") == ["200", "202"]
    assert successes("get", "/v1/videos/{id}/content") == ["307"]
    assert successes("post", "/v1/jobs/{id}/callbacks/{secret}") == ["204"]
    link = found["paths"]["/v1/videos/{id}/content"]["get"]["responses"]["307"]
    assert "location" in link["headers"]
    assert "content" not in link


def test_a_form_is_told_beside_the_json(found: dict[str, Any]) -> None:
    content = found["paths"]["/v1/videos"]["post"]["requestBody"]["content"]
    assert list(content) == ["application/json", "multipart/form-data"]
    form = found["components"]["schemas"]["VideosForm"]["properties"]
    assert form["input_reference"]["format"] == "binary"


def test_addresses_are_relative_to_the_document(found: dict[str, Any]) -> None:
    """A stage's path stands before the document's own."""
    assert [server["url"] for server in found["servers"]] == ["."]


def test_every_name_that_is_referred_to_is_there_and_every_schema_is_used(found: dict[str, Any]) -> None:
    text = json.dumps(found)
    for place, names in found["components"].items():
        referred = set(re.findall(rf'"#/components/{place}/([^"]+)"', text))
        assert referred <= names.keys(), place
        if place in {"schemas", "headers"}:
            assert referred == names.keys()


def test_no_leftovers_of_the_shapes_show(found: dict[str, Any]) -> None:
    text = json.dumps(found["components"]["schemas"])
    assert '"title"' not in text
    assert "``" not in text
    assert '"<' not in text
    assert not re.search(r'"(ge|le|gt|lt)":', text)


def test_a_union_that_is_told_apart_by_a_member_names_it(found: dict[str, Any]) -> None:
    schemas = found["components"]["schemas"]
    messages = schemas["ChatCompletionRequest"]["properties"]["messages"]["items"]
    assert messages["discriminator"]["propertyName"] == "role"
    for role, place in messages["discriminator"]["mapping"].items():
        assert {"$ref": place} in messages["oneOf"]
        assert schemas[place.rpartition("/")[2]]["properties"]["role"]["const"] == role


def test_examples_of_requests_and_failures_are_of_their_schema(found: dict[str, Any]) -> None:
    checked = 0
    contents = [
        content
        for part in (
            *(operation.get("requestBody", {}) for _, _, operation in operations(found)),
            *found["components"]["responses"].values(),
        )
        for content in part.get("content", {}).values()
    ]
    for content in contents:
        schema = {**content["schema"], "components": found["components"]}
        for example in content["examples"].values():
            Draft202012Validator(schema).validate(example["value"])
            checked += 1
    assert checked > 30


def test_errors_that_are_not_the_contracts_are_not_told() -> None:
    class OtherError(SluiceError):
        """Nobody's business."""

        status = 418
        type = "server_error"

    assert OtherError in SluiceError.__subclasses__()
    assert response_name(OtherError.status) not in failures()
    assert {response_name(kind.status) for kind in (RateLimitError, InvalidAPIKeyError)} <= failures().keys()


def test_every_endpoint_has_an_example_that_the_tests_send() -> None:
    assert all(endpoint.examples for endpoint in ENDPOINTS)

"""An address of one's own: its resources, and where it is told."""

from typing import Any

from option_values import DOMAIN
from template_values import Chosen

OWN = {"ApiDomain", "ApiDomainMapping", "ApiDomainRecord"}
DEFAULT = {"Fn::Sub": "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/live"}


def told_to_providers(chosen: Chosen) -> Any:
    return chosen.resources["JobsFunction"]["Properties"]["Environment"]["Variables"]["SLUICE_PUBLIC_URL"]


def closed(chosen: Chosen) -> Any:
    """Whether the API does not answer at API Gateway's own address."""
    (server,) = chosen.resources["Api"]["Properties"]["Body"]["servers"]
    return server["x-amazon-apigateway-endpoint-configuration"]["disableExecuteApiEndpoint"]


def test_without_a_name_the_address_is_api_gateways(translated: dict[str, Any]) -> None:
    chosen = Chosen(translated, {})
    assert not OWN & chosen.resources.keys()
    assert "DomainTarget" not in chosen.outputs
    assert told_to_providers(chosen) == DEFAULT
    assert ".execute-api." in chosen.outputs["ApiUrl"]["Value"]["Fn::Sub"]
    assert closed(chosen) is False


def test_a_name_leads_to_the_stage_and_is_told_wherever_the_address_is(translated: dict[str, Any]) -> None:
    chosen = Chosen(translated, DOMAIN)
    made = chosen.resources
    assert made["ApiDomain"]["Properties"] == {
        "DomainName": "ai.example.com",
        "RegionalCertificateArn": DOMAIN["CertificateArn"],
        "EndpointConfiguration": {"Types": ["REGIONAL"]},
        "SecurityPolicy": "TLS_1_2",
    }
    mapping = made["ApiDomainMapping"]["Properties"]
    assert mapping["RestApiId"] == {"Ref": "Api"}
    assert made[mapping["Stage"]["Ref"]]["Type"] == "AWS::ApiGateway::Stage"
    assert "BasePath" not in mapping
    assert "ApiDomainRecord" not in made
    assert told_to_providers(chosen) == chosen.outputs["ApiUrl"]["Value"] == "https://ai.example.com"
    assert chosen.outputs["DomainTarget"]["Value"] == {"Fn::GetAtt": ["ApiDomain", "RegionalDomainName"]}


def test_a_zone_gets_its_record(translated: dict[str, Any]) -> None:
    made = Chosen(translated, {**DOMAIN, "HostedZoneId": "Z0123456789ABCDEFGHIJ"}).resources
    record = made["ApiDomainRecord"]["Properties"]
    assert (record["HostedZoneId"], record["Name"], record["Type"]) == (
        "Z0123456789ABCDEFGHIJ",
        "ai.example.com",
        "A",
    )
    assert record["AliasTarget"]["DNSName"] == {"Fn::GetAtt": ["ApiDomain", "RegionalDomainName"]}


def test_the_default_address_can_be_closed(translated: dict[str, Any]) -> None:
    assert closed(Chosen(translated, {**DOMAIN, "DefaultEndpoint": "off"})) is True

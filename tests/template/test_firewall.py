"""AWS WAF before the API: what makes it, what it blocks, and what it only counts."""

import json
from typing import Any

import pytest

from option_values import FIREWALL
from sluice.errors import RateLimitError
from template_parts import either, resources
from template_values import Chosen

COUNTED = {
    "AWSManagedRulesCommonRuleSet": {
        "SizeRestrictions_BODY",
        "EC2MetaDataSSRF_BODY",
        "GenericLFI_BODY",
        "GenericRFI_BODY",
        "CrossSiteScripting_BODY",
        "NoUserAgent_HEADER",
    },
    "AWSManagedRulesKnownBadInputsRuleSet": {
        "JavaDeserializationRCE_BODY",
        "Log4JRCE_BODY",
        "ReactJSRCE_BODY",
    },
    "AWSManagedRulesAmazonIpReputationList": set(),
}
"""All rules of these groups that look into bodies, by AWS's list of them, and the one against programs.

https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html
"""


@pytest.mark.parametrize(
    ("values", "made", "before_the_api"),
    [
        ({}, None, None),
        ({"IpLimit": "none"}, None, None),
        ({"IpLimit": "waf"}, ["requests-by-address"], {"Fn::GetAtt": ["Firewall", "Arn"]}),
        (
            {"FirewallRules": "managed"},
            ["addresses-of-ill-repute", "known-bad-inputs", "common-attacks"],
            {"Fn::GetAtt": ["Firewall", "Arn"]},
        ),
        (
            {"FirewallRules": "managed", "IpLimit": "waf"},
            ["requests-by-address", "addresses-of-ill-repute", "known-bad-inputs", "common-attacks"],
            {"Fn::GetAtt": ["Firewall", "Arn"]},
        ),
        ({"WebAclArn": FIREWALL}, None, FIREWALL),
        ({"WebAclArn": FIREWALL, "IpLimit": "none"}, None, FIREWALL),
    ],
)
def test_the_firewall_is_there_where_it_is_asked_for_and_has_the_rules_that_are(
    translated: dict[str, Any], values: dict[str, str], made: list[str] | None, before_the_api: Any
) -> None:
    found = Chosen(translated, values).resources
    assert ("Firewall" in found) == (made is not None)
    if made is not None:
        assert [rule["Name"] for rule in found["Firewall"]["Properties"]["Rules"]] == made
    assert ("FirewallOfApi" in found) == (before_the_api is not None)
    if before_the_api is not None:
        (stage,) = resources(translated, "AWS::ApiGateway::Stage")
        association = found["FirewallOfApi"]["Properties"]
        assert association["WebACLArn"] == before_the_api
        assert association["ResourceArn"]["Fn::Sub"].endswith(f"::/restapis/${{Api}}/stages/${{{stage}}}")


def rules(translated: dict[str, Any]) -> list[dict[str, Any]]:
    everything = Chosen(translated, {"FirewallRules": "managed", "IpLimit": "waf"})
    found: list[dict[str, Any]] = everything.resources["Firewall"]["Properties"]["Rules"]
    return found


def test_the_firewall_counts_each_clients_last_minute_and_keeps_no_request(
    translated: dict[str, Any],
) -> None:
    firewall = translated["Resources"]["Firewall"]["Properties"]
    assert (firewall["Scope"], firewall["DefaultAction"]) == ("REGIONAL", {"Allow": {}})
    first, *_ = rules(translated)
    assert first["Statement"]["RateBasedStatement"] == {
        "AggregateKeyType": "IP",
        "EvaluationWindowSec": 60,
        "Limit": "120",
    }
    for part in (firewall, *rules(translated)):
        assert part["VisibilityConfig"]["SampledRequestsEnabled"] is False


def test_a_prompt_is_no_attack_whatever_it_says_and_however_long_it_is(translated: dict[str, Any]) -> None:
    _, *managed = rules(translated)
    counted = {}
    for rule in managed:
        group = rule["Statement"]["ManagedRuleGroupStatement"]
        assert rule["OverrideAction"] == {"None": {}}  # what is not named here does block
        assert all(each["ActionToUse"] == {"Count": {}} for each in group.get("RuleActionOverrides", []))
        counted[group["Name"]] = {each["Name"] for each in group.get("RuleActionOverrides", [])}
    assert counted == COUNTED
    priorities = [rule["Priority"] for rule in rules(translated)]
    assert priorities == sorted(set(priorities))


def test_the_firewall_refuses_as_the_functions_do(template: dict[str, Any]) -> None:
    firewall = template["Resources"]["Firewall"]["Properties"]
    rule, _ = either(firewall["Rules"][0], "LimitAddressesByWaf")
    refusal = rule["Action"]["Block"]["CustomResponse"]
    body = firewall["CustomResponseBodies"][refusal["CustomResponseBodyKey"]]
    error = json.loads(body["Content"]["Fn::Sub"])["error"]
    assert body["ContentType"] == "APPLICATION_JSON"
    assert set(error) == {"message", "type", "param", "code"}
    assert (refusal["ResponseCode"], error["type"], error["code"], error["param"]) == (
        RateLimitError.status,
        RateLimitError.type,
        RateLimitError.code,
        None,
    )
    assert refusal["ResponseHeaders"] == [
        {"Name": "Retry-After", "Value": "60"},
        {"Name": "Access-Control-Allow-Origin", "Value": "*"},
        {"Name": "Access-Control-Expose-Headers", "Value": "*"},
    ]

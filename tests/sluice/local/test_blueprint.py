"""What is taken from a template."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_stack import blueprint
from sluice.local.blueprint import Blueprint, Resolved, read_blueprint
from sluice.local.errors import TemplateError
from sluice.local.event_sources import Route, Schedule, StreamSource

ENVELOPE = '{"error":{"message":"m","type":"t","param":null,"code":"not_found"}}'


def template(**resources: Any) -> dict[str, Any]:
    return {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            "Api": {
                "Type": "AWS::Serverless::Api",
                "Properties": {
                    "StageName": "live",
                    "GatewayResponses": {
                        "MISSING_AUTHENTICATION_TOKEN": {
                            "StatusCode": 404,
                            "ResponseParameters": {
                                "Headers": {"x-request-id": "context.requestId", "x-fixed": "'text'"}
                            },
                            "ResponseTemplates": {"application/json": ENVELOPE},
                        }
                    },
                },
            },
            "OneFunction": {
                "Type": "AWS::Serverless::Function",
                "Properties": {
                    "CodeUri": "functions/one",
                    "Handler": "app.app",
                    "Runtime": "python3.13",
                    "Environment": {
                        "Variables": {
                            "AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper",
                            "PLAIN": "text",
                            "TABLE": {"Ref": "Table"},
                        }
                    },
                    "Events": {
                        "One": {
                            "Type": "Api",
                            "Properties": {"RestApiId": {"Ref": "Api"}, "Path": "/one", "Method": "any"},
                        }
                    },
                },
            },
            "Table": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
                    "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
                },
            },
            **resources,
        },
        "Outputs": {
            "Url": {"Value": {"Fn::Sub": "https://${Api}.example/"}},
            "TableName": {"Value": {"Ref": "Table"}},
        },
    }


def read(tmp_path: Path, content: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Blueprint:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    path = tmp_path / "template.yaml"
    path.write_text(yaml.safe_dump(content))
    return read_blueprint(path)


def test_functions_have_their_folder_routes_and_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (function,) = read(tmp_path, template(), monkeypatch).functions
    assert function.name == "OneFunction"
    assert function.folder == tmp_path / "functions/one"
    assert function.routes == (Route("ANY", "/one"),)
    assert function.variables == {"PLAIN": "text", "TABLE": Resolved("OneFunctionVariable2")}


def test_a_function_may_be_called_by_a_stream_or_a_schedule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = template()
    content["Resources"]["Table"]["Properties"]["StreamSpecification"] = {"StreamViewType": "NEW_IMAGE"}
    content["Resources"]["OneFunction"]["Properties"]["Events"] = {
        "Rows": {
            "Type": "DynamoDB",
            "Properties": {
                "Stream": {"Fn::GetAtt": ["Table", "StreamArn"]},
                "StartingPosition": "TRIM_HORIZON",
            },
        },
        "Often": {"Type": "Schedule", "Properties": {"Schedule": "rate(5 minutes)"}},
    }
    found = read(tmp_path, content, monkeypatch)
    (function,) = found.functions
    assert function.routes == ()
    assert function.streams == (StreamSource("Table", 100, (), reports_failures=False),)
    assert function.schedules == (Schedule(300),)
    assert found.stack["Resources"].keys() == {"OneFunctionRole", "Table"}


def test_a_variable_to_be_worked_out_is_an_output_of_the_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = read(tmp_path, template(), monkeypatch).stack
    assert stack["Outputs"]["OneFunctionVariable2"] == {"Value": {"Ref": "Table"}}


def test_a_variable_that_names_nothing_that_was_made_is_adjustable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = template()
    content["Parameters"] = {"Limit": {"Type": "Number", "Default": 120}}
    content["Conditions"] = {"Limited": {"Fn::Equals": [{"Ref": "Limit"}, "120"]}}
    variables = {
        "OF_A_PARAMETER": {"Ref": "Limit"},
        "BY_A_CONDITION": {"Fn::If": ["Limited", {"Ref": "Limit"}, "0"]},
        "OF_A_RESOURCE": {"Fn::If": ["Limited", {"Ref": "Limit"}, {"Ref": "Table"}]},
        "OF_THE_STACK": {"Fn::Sub": "${AWS::StackName}/${Limit}"},
    }
    content["Resources"]["OneFunction"]["Properties"]["Environment"]["Variables"] = variables
    (function,) = read(tmp_path, content, monkeypatch).functions
    adjustable = {
        name for name, value in function.variables.items() if isinstance(value, Resolved) and value.adjustable
    }
    assert adjustable == {"OF_A_PARAMETER", "BY_A_CONDITION"}


def test_what_speaks_of_what_is_left_out_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def parameter(value: Any) -> dict[str, Any]:
        return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}

    content = template(
        Direct=parameter({"Fn::GetAtt": ["OneFunction", "Arn"]}),
        InText=parameter({"Fn::Sub": "x ${Direct} y"}),
        InTextWithNames=parameter({"Fn::Sub": ["${a} ${InText}", {"a": "b"}]}),
        Ordered={**parameter("x"), "DependsOn": "Api"},
        OrderedAfterTwo={**parameter("x"), "DependsOn": ["Table", "Ordered"]},
        Kept={**parameter({"Fn::GetAtt": ["Table", "Arn"]}), "DependsOn": ["Table"]},
    )
    stack = read(tmp_path, content, monkeypatch).stack
    types = {name: resource["Type"] for name, resource in stack["Resources"].items()}
    assert types == {
        "Kept": "AWS::SSM::Parameter",
        "OneFunctionRole": "AWS::IAM::Role",
        "Table": "AWS::DynamoDB::Table",
    }
    assert set(stack["Outputs"]) == {"TableName", "OneFunctionVariable2"}


DEFINITION = """
StartAt: First
States:
  First:
    Type: Task
    Resource: ${Invoke}
    Parameters: {FunctionName: "${One}", Payload: {token.$: $$.Task.Token}}
    End: true
"""


def with_a_machine(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "machine.asl.yaml").write_text(DEFINITION)
    return template(
        Machine={
            "Type": "AWS::Serverless::StateMachine",
            "Properties": {
                "Name": {"Fn::Sub": "${AWS::StackName}-one"},
                "DefinitionUri": "machine.asl.yaml",
                "DefinitionSubstitutions": {
                    "Invoke": {"Fn::Sub": "arn:${AWS::Partition}:states:::lambda:invoke"},
                    "One": {"Fn::GetAtt": ["OneFunction", "Arn"]},
                },
                "Logging": {"Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": {"Ref": "Logs"}}}]},
            },
        },
        Logs={"Type": "AWS::Logs::LogGroup", "Properties": {}},
    )


def test_a_machine_is_made_with_its_definition_in_it_and_calls_functions_by_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = read(tmp_path, with_a_machine(tmp_path), monkeypatch)
    machine = found.stack["Resources"]["Machine"]
    assert machine["Properties"].keys() == {"StateMachineName", "DefinitionString", "RoleArn"}
    separator, pieces = machine["Properties"]["DefinitionString"]["Fn::Join"]
    text = separator.join(piece if isinstance(piece, str) else piece["Fn::Sub"] for piece in pieces)
    first = json.loads(text)["States"]["First"]
    assert first["Resource"] == "arn:${AWS::Partition}:states:::lambda:invoke"
    assert first["Parameters"]["FunctionName"].endswith(":function:OneFunction")
    assert first["Parameters"]["Payload"] == {"token.$": "$$.Task.Token"}
    assert found.tasks == {"OneFunction"}
    assert "Logs" not in found.stack["Resources"]


def test_a_function_that_a_machine_calls_at_an_alias_goes_by_its_name_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = with_a_machine(tmp_path)
    content["Resources"]["OneFunction"]["Properties"]["AutoPublishAlias"] = "live"
    machine = content["Resources"]["Machine"]["Properties"]
    machine["DefinitionSubstitutions"]["One"] = {"Ref": "OneFunction.Alias"}
    found = read(tmp_path, content, monkeypatch)
    _, pieces = found.stack["Resources"]["Machine"]["Properties"]["DefinitionString"]["Fn::Join"]
    assert any("function:OneFunction" in str(piece) for piece in pieces)
    assert found.tasks == {"OneFunction"}


def test_a_definition_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = with_a_machine(tmp_path)
    (tmp_path / "machine.asl.yaml").unlink()
    with pytest.raises(TemplateError, match=r"machine\.asl\.yaml"):
        read(tmp_path, content, monkeypatch)


def test_secrets_that_are_generated_are_named_and_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def secret(name: str, **properties: Any) -> dict[str, Any]:
        named = {"Name": {"Fn::Sub": "${AWS::StackName}/" + name}, **properties}
        return {"Type": "AWS::SecretsManager::Secret", "Properties": named}

    content = template(
        Generated=secret("SIGNING", GenerateSecretString={"PasswordLength": 64}), Given=secret("GIVEN")
    )
    found = read(tmp_path, content, monkeypatch)
    assert found.secrets == ("SIGNING",)
    assert not {"Generated", "Given"} & found.stack["Resources"].keys()


def test_a_variable_that_speaks_of_what_is_left_out_is_not_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = template()
    variables = content["Resources"]["OneFunction"]["Properties"]["Environment"]["Variables"]
    variables["PUBLIC_URL"] = {"Fn::Sub": "https://${Api}.example/live"}
    (function,) = read(tmp_path, content, monkeypatch).functions
    assert set(function.variables) == {"PLAIN", "TABLE"}


def test_the_answer_to_an_unknown_path_is_the_templates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = read(tmp_path, template(), monkeypatch).unknown_path
    assert (reply.status, reply.body) == (404, ENVELOPE.encode())
    assert reply.headers == {"x-fixed": "text"}


def test_a_template_without_that_answer_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = template()
    del content["Resources"]["Api"]["Properties"]["GatewayResponses"]
    with pytest.raises(TemplateError, match="MISSING_AUTHENTICATION_TOKEN"):
        read(tmp_path, content, monkeypatch)


def test_a_template_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"nowhere\.yaml"):
        read_blueprint(tmp_path / "nowhere.yaml")


def test_our_template_gives_routes_tables_and_an_enveloped_404() -> None:
    found = blueprint()
    routes = {route.path for function in found.functions for route in function.routes}
    assert {"/v1/chat/completions", "/v1/models/{id+}", "/health"} <= routes
    assert all((function.folder / "app.py").is_file() for function in found.functions)
    assert found.stack["Resources"]["KeysTable"]["Type"] == "AWS::DynamoDB::Table"
    assert found.stack["Resources"]["JobsBucket"]["Type"] == "AWS::S3::Bucket"
    assert found.tasks == {"JobsFunction", "DeliverWebhookFunction"}
    assert found.secrets == ("WEBHOOK_SECRET",)
    error = json.loads(found.unknown_path.body)["error"]
    assert (error["code"], error["param"]) == ("not_found", None)
    assert found.unknown_path.headers["Access-Control-Allow-Origin"] == "*"

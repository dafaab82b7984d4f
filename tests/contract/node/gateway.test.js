// The gateway through the official npm package; what it raises stands in errors.test.js. The mock provider behind the
// gateway answers as the request's `user` says; see tests/support/mock_faults.py for the names.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";

const { GATEWAY_URL, GATEWAY_KEY, EXPECTED_TEXT } = process.env;
const MODEL = "gpt-4o-mini";
const messages = [{ role: "user", content: "Hello" }];

function clientAt(path = "/v1") {
  return new OpenAI({ baseURL: GATEWAY_URL + path, apiKey: GATEWAY_KEY, maxRetries: 0 });
}

/** A request body that the mock provider answers with the given behaviour. */
function asking(behaviour, members = {}) {
  return { model: MODEL, messages, user: `${behaviour}/node`, ...members };
}

async function collected(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const textOf = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");

for (const path of ["/v1", "/api/v1"]) {
  test(`whole reply at ${path}`, async () => {
    const { data, response, request_id } = await clientAt(path)
      .chat.completions.create(asking("ok"))
      .withResponse();
    assert.equal(data.object, "chat.completion");
    assert.equal(data.model, MODEL);
    assert.equal(data.choices[0].message.content, EXPECTED_TEXT);
    assert.equal(data.choices[0].finish_reason, "stop");
    assert.equal(data.usage.total_tokens, data.usage.prompt_tokens + data.usage.completion_tokens);
    assert.match(data.requestHash, /^[0-9a-f]{64}$/);
    assert.match(data.responseHash, /^[0-9a-f]{64}$/);
    assert.equal(request_id, response.headers.get("x-request-id"));
    assert.ok(request_id);
  });

  test(`stream at ${path}`, async () => {
    const chunks = await collected(
      await clientAt(path).chat.completions.create(asking("ok", { stream: true })),
    );
    assert.equal(textOf(chunks), EXPECTED_TEXT);
    assert.equal(chunks[0].choices[0].delta.role, "assistant");
    assert.equal(chunks.at(-1).choices[0].finish_reason, "stop");
    assert.ok(chunks.every((chunk) => !chunk.usage));
  });
}

test("usage chunk", async () => {
  const body = asking("ok", { stream: true, stream_options: { include_usage: true } });
  const chunks = await collected(await clientAt().chat.completions.create(body));
  const last = chunks.pop();
  assert.deepEqual(last.choices, []);
  assert.ok(last.usage.total_tokens > 0);
  assert.ok(chunks.every((chunk) => chunk.usage === null));
});

test("stream helper", async () => {
  const stream = clientAt().chat.completions.stream(asking("ok"));
  assert.equal(await stream.finalContent(), EXPECTED_TEXT);
});

test("structured output", async () => {
  const schema = {
    type: "object",
    properties: { name: { type: "string" }, tags: { type: "array", items: { type: "string" } } },
    required: ["name", "tags"],
    additionalProperties: false,
  };
  const response_format = { type: "json_schema", json_schema: { name: "person", schema, strict: true } };
  for (const model of [MODEL, "demo"]) {
    const reply = await clientAt().chat.completions.parse(asking("ok", { model, response_format }));
    const parsed = JSON.parse(reply.choices[0].message.content);
    assert.equal(typeof parsed.name, "string");
    assert.deepEqual(parsed.tags, []);
  }
});

test("demo model streams", async () => {
  const stream = await clientAt().chat.completions.create({ model: "demo", messages, stream: true });
  const chunks = await collected(stream);
  assert.ok(chunks.length > 5);
  assert.match(textOf(chunks), /demo/i);
});

for (const behaviour of ["cut", "ended_early", "done_without_finish", "malformed_event", "error_event"]) {
  test(`mid-stream failure: ${behaviour}`, async () => {
    const stream = await clientAt().chat.completions.create(asking(behaviour, { stream: true }));
    const seen = [];
    await assert.rejects(
      async () => {
        for await (const chunk of stream) seen.push(chunk);
      },
      (error) => {
        assert.ok(error instanceof OpenAI.APIError, String(error));
        assert.deepEqual([error.type, error.code], ["server_error", "upstream_error"]);
        return true;
      },
    );
    assert.ok(textOf(seen).length > 0);
    assert.ok(EXPECTED_TEXT.startsWith(textOf(seen)));
    assert.notEqual(textOf(seen), EXPECTED_TEXT);
  });
}

test("a repeated Idempotency-Key gets the same stream", async () => {
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  const texts = [];
  for (const replayed of [null, "true"]) {
    const asked = clientAt().chat.completions.create(asking("ok", { stream: true }), { headers });
    const { data, response } = await asked.withResponse();
    assert.equal(response.headers.get("idempotent-replayed"), replayed);
    texts.push(JSON.stringify(await collected(data)));
  }
  assert.equal(texts[0], texts[1]);
});

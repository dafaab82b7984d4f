// Text completions and embeddings through the official npm package.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";

const { GATEWAY_URL, GATEWAY_KEY, EXPECTED_TEXT } = process.env;
const EXPECTED_VECTORS = JSON.parse(process.env.EXPECTED_VECTORS);
const HEX = /^[0-9a-f]{64}$/;

const clientAt = (path) => new OpenAI({ baseURL: GATEWAY_URL + path, apiKey: GATEWAY_KEY, maxRetries: 0 });

function completing(members) {
  return { model: "gpt-3.5-turbo-instruct", prompt: "Say hello", user: "ok/node texts", ...members };
}

function embedding(members) {
  return { model: "text-embedding-3-small", input: "Hello", user: "ok/node texts", ...members };
}

async function collected(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const textOf = (chunks, index = 0) =>
  chunks.flatMap(({ choices }) => choices.filter((choice) => choice.index === index).map(({ text }) => text)).join("");

for (const path of ["/v1", "/api/v1"]) {
  for (const model of ["gpt-3.5-turbo-instruct", "gpt-4o-mini"]) {
    test(`completion by ${model} at ${path}`, async () => {
      const body = completing({ model, n: 2, echo: true });
      const { data, request_id } = await clientAt(path).completions.create(body).withResponse();
      assert.equal(data.object, "text_completion");
      assert.deepEqual(data.choices.map(({ text }) => text), Array(2).fill(`Say hello${EXPECTED_TEXT}`));
      assert.deepEqual(data.choices.map(({ finish_reason }) => finish_reason), ["stop", "stop"]);
      assert.equal(data.usage.total_tokens, data.usage.prompt_tokens + data.usage.completion_tokens);
      assert.match(data.requestHash, HEX);
      assert.match(data.responseHash, HEX);
      assert.ok(request_id);
    });

    test(`stream by ${model} at ${path}`, async () => {
      const body = completing({ model, n: 2, stream: true, stream_options: { include_usage: true } });
      const chunks = await collected(await clientAt(path).completions.create(body));
      for (const index of [0, 1]) assert.equal(textOf(chunks, index), EXPECTED_TEXT);
      assert.match(chunks.at(-1).responseHash, HEX);
      const last = chunks.pop();
      assert.deepEqual(last.choices, []);
      assert.ok(last.usage.total_tokens > 0);
      assert.ok(chunks.every(({ usage }) => usage === null));
    });

    test(`broken stream by ${model} at ${path}`, async () => {
      const body = completing({ model, user: "cut/node texts", stream: true });
      const stream = await clientAt(path).completions.create(body);
      const seen = [];
      await assert.rejects(
        async () => {
          for await (const chunk of stream) seen.push(chunk);
        },
        (error) => {
          assert.ok(error instanceof OpenAI.APIError, String(error));
          assert.equal(error.code, "upstream_error");
          return true;
        },
      );
      assert.ok(textOf(seen).length > 0);
      assert.ok(EXPECTED_TEXT.startsWith(textOf(seen)));
    });
  }

  test(`prompts and logprobs at ${path}`, async () => {
    const body = completing({ prompt: [[1, 2], [3]], logprobs: 2, suffix: "!", max_tokens: 3 });
    const { choices } = await clientAt(path).completions.create(body);
    assert.deepEqual(choices.map(({ index, finish_reason }) => [index, finish_reason]), [
      [0, "length"],
      [1, "length"],
    ]);
    assert.ok(choices.every(({ logprobs, text }) => logprobs.tokens.join("") === text));
  });

  for (const behaviour of ["ok", "floats_only"]) {
    for (const encoding_format of [undefined, "float"]) {
      test(`embeddings at ${path} from a host that is ${behaviour}, ${encoding_format}`, async () => {
        const members = { input: ["Hello", "Bye"], user: `${behaviour}/node texts`, dimensions: 8 };
        const body = embedding(encoding_format ? { ...members, encoding_format } : members);
        const reply = await clientAt(path).embeddings.create(body);
        assert.deepEqual(reply.data.map((row) => row.index), [0, 1]);
        assert.deepEqual(reply.data.map((row) => Array.from(row.embedding)), EXPECTED_VECTORS);
        assert.ok(reply.usage.total_tokens > 0);
      });
    }
  }

  for (const [endpoint, body, kind, code, param] of [
    ["embeddings", embedding({ input: "" }), OpenAI.BadRequestError, null, "input"],
    ["embeddings", embedding({ model: "gpt-4o-mini" }), OpenAI.NotFoundError, "model_not_found", "model"],
    ["completions", completing({ n: 0 }), OpenAI.BadRequestError, null, "n"],
    [
      "completions",
      completing({ model: "gpt-4o-mini", suffix: "!" }),
      OpenAI.BadRequestError,
      "unsupported_parameter",
      "suffix",
    ],
  ]) {
    test(`wrong ${param} of ${endpoint} at ${path}`, async () => {
      await assert.rejects(clientAt(path)[endpoint].create(body), (error) => {
        assert.equal(error.constructor, kind);
        assert.deepEqual([error.code, error.param], [code, param]);
        assert.ok(error.requestID);
        return true;
      });
    });
  }
}

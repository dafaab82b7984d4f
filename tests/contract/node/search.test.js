// Web search, by the official npm package, whole and streamed.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";

const { GATEWAY_URL, GATEWAY_KEY, EXPECTED_TEXT } = process.env;
const client = new OpenAI({ baseURL: GATEWAY_URL + "/v1", apiKey: GATEWAY_KEY, maxRetries: 0 });
const body = {
  model: "gpt-4o-mini",
  messages: [{ role: "user", content: "What does Node find on the web?" }],
  user: "ok/node search",
  search_enabled: true,
};

function checkPages(pages) {
  assert.ok(pages.length > 1);
  for (const page of pages) assert.deepEqual(Object.keys(page).sort(), ["context", "source_from", "url"]);
}

test("whole", async () => {
  const reply = await client.chat.completions.create(body);
  assert.equal(reply.choices[0].message.content, EXPECTED_TEXT);
  checkPages(reply.search_result);
});

test("streamed", async () => {
  const chunks = [];
  for await (const chunk of await client.chat.completions.create({ ...body, stream: true })) chunks.push(chunk);
  assert.equal(chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join(""), EXPECTED_TEXT);
  const last = chunks.pop();
  checkPages(last.search_result);
  assert.equal(last.responseHash.length, 64);
  assert.ok(chunks.every((chunk) => !("search_result" in chunk)));
});

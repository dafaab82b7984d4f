// A webhook as it came over the wire, read with the official npm package.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";

const { WEBHOOK_BODY, WEBHOOK_SECRET, OTHER_SECRET, JOB } = process.env;
const HEADERS = JSON.parse(process.env.WEBHOOK_HEADERS);

test("a webhook is verified and read", async () => {
  const client = new OpenAI({ apiKey: "sk-none", webhookSecret: WEBHOOK_SECRET });
  const event = await client.webhooks.unwrap(WEBHOOK_BODY, HEADERS);
  assert.equal(event.object, "event");
  assert.equal(event.type, "video.completed");
  assert.equal(event.id, HEADERS["webhook-id"]);
  assert.deepEqual(event.data, { id: JOB });
});

test("a webhook that was changed, or is signed with another secret, is not", async () => {
  const client = new OpenAI({ apiKey: "sk-none", webhookSecret: WEBHOOK_SECRET });
  await assert.rejects(client.webhooks.unwrap(`${WEBHOOK_BODY} `, HEADERS), OpenAI.InvalidWebhookSignatureError);
  await assert.rejects(
    client.webhooks.unwrap(WEBHOOK_BODY, HEADERS, OTHER_SECRET),
    OpenAI.InvalidWebhookSignatureError,
  );
});

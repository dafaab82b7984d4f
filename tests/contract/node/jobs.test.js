// Pictures and videos through the official npm package.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI, { toFile } from "openai";

const { GATEWAY_URL, GATEWAY_KEY, PICTURE } = process.env;
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47]);
const BODY = { model: "demo-video", prompt: "A sluice opens", seconds: "1", size: "1280x720" };

const clientAt = (path) => new OpenAI({ baseURL: GATEWAY_URL + path, apiKey: GATEWAY_KEY, maxRetries: 0 });

async function completed(client, id) {
  for (;;) {
    const { data, response } = await client.videos.retrieve(id).withResponse();
    if (!["queued", "in_progress"].includes(data.status)) return data;
    const milliseconds = Number(response.headers.get("openai-poll-after-ms"));
    assert.ok(milliseconds >= 1000);
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
  }
}

for (const path of ["/v1", "/api/v1"]) {
  test(`pictures at ${path}`, async () => {
    const client = clientAt(path);
    const links = await client.images.generate({ model: "demo-image", prompt: "A sluice", n: 2 });
    assert.equal(links.data.length, 2);
    for (const { url } of links.data) {
      const content = Buffer.from(await (await fetch(url)).arrayBuffer());
      assert.deepEqual(content.subarray(0, 4), PNG);
    }
    const inline = await client.images.generate({
      model: "demo-image",
      prompt: "A sluice",
      response_format: "b64_json",
    });
    assert.deepEqual(Buffer.from(inline.data[0].b64_json, "base64").subarray(0, 4), PNG);
  });

  test(`a video at ${path}`, async () => {
    const client = clientAt(path);
    const queued = await client.videos.create(BODY);
    assert.equal(queued.status, "queued");
    assert.equal(queued.prompt, BODY.prompt);
    await assert.rejects(client.videos.downloadContent(queued.id), OpenAI.NotFoundError);
    const made = await completed(client, queued.id);
    assert.deepEqual([made.status, made.progress, made.error], ["completed", 100, null]);
    const content = Buffer.from(await (await client.videos.downloadContent(made.id)).arrayBuffer());
    assert.equal(content.subarray(4, 8).toString(), "ftyp");
    assert.deepEqual(await client.videos.delete(made.id), { id: made.id, object: "video.deleted", deleted: true });
    await assert.rejects(client.videos.retrieve(made.id), OpenAI.NotFoundError);
  });
}

test("pages of videos", async () => {
  const client = clientAt("/v1");
  const ids = [];
  for (let number = 0; number < 3; number += 1) ids.push((await client.videos.create(BODY)).id);
  const seen = [];
  for await (const { id } of client.videos.list({ limit: 1 })) seen.push(id);
  assert.deepEqual(seen.slice(0, 3), ids.toReversed());
  for (const id of ids) await client.videos.delete(id);
});

test("a picture to begin with goes as a file", async () => {
  const file = await toFile(Buffer.from(PICTURE, "base64"), "picture.png");
  await assert.rejects(clientAt("/v1").videos.create({ ...BODY, input_reference: file }), {
    status: 400,
    param: "input_reference",
    code: "unsupported_parameter",
  });
});

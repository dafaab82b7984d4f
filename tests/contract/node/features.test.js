// What chat clients are used to, by the official npm package, whole and streamed.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";

const { GATEWAY_URL, GATEWAY_KEY, EXPECTED_TEXT, EXPECTED_REASONING } = process.env;
const user = { role: "user", content: "Hello" };

const clientAt = (path) => new OpenAI({ baseURL: GATEWAY_URL + path, apiKey: GATEWAY_KEY, maxRetries: 0 });

function cityTool(name) {
  const parameters = {
    type: "object",
    properties: { city: { type: "string", enum: ["Zürich"] }, days: { type: "integer", minimum: 3 } },
    required: ["city", "days"],
  };
  return { type: "function", function: { name, parameters } };
}

for (const path of ["/v1", "/api/v1"]) {
  for (const way of ["whole", "streamed"]) {
    const where = `${way}, ${path}`;

    /** The completion, or what the chunks add up to by the client's own helper. */
    const ask = async (members) => {
      const { completions } = clientAt(path).chat;
      const body = { model: "gpt-4o-mini", messages: [user], user: "ok/node features", ...members };
      if (way === "whole") return completions.create(body);
      return completions.stream({ ...body, stream_options: { include_usage: true } }).finalChatCompletion();
    };

    /** A message with its `reasoning_content`, of which the helper keeps only the last piece. */
    const thought = async (members) => {
      if (way === "whole") return (await ask(members)).choices[0].message;
      const said = { content: "", reasoning_content: "" };
      const body = { user: "ok/node features", stream: true, ...members };
      for await (const { choices } of await clientAt(path).chat.completions.create(body)) {
        for (const name of Object.keys(said)) said[name] += choices[0].delta[name] ?? "";
      }
      return said;
    };

    test(`vision and a developer, ${where}`, async () => {
      const image_url = { url: "data:image/png;base64,iVBORw0KGgo=", detail: "low" };
      const content = [{ type: "text", text: "What is this?" }, { type: "image_url", image_url }];
      const messages = [
        { role: "developer", content: "Be brief." },
        { role: "user", content },
      ];
      const { choices, usage } = await ask({ messages });
      assert.equal(choices[0].message.content, EXPECTED_TEXT);
      assert.ok(usage.total_tokens > 0);
    });

    test(`stop and seed, ${where}`, async () => {
      const { choices, system_fingerprint } = await ask({ stop: ["none"], seed: 42 });
      assert.equal(choices[0].message.content, EXPECTED_TEXT.split("none")[0]);
      assert.equal(choices[0].finish_reason, "stop");
      assert.ok(system_fingerprint);
    });

    test(`logprobs of several choices, ${where}`, async () => {
      const { choices } = await ask({ n: 3, logprobs: true, top_logprobs: 2 });
      assert.deepEqual(choices.map(({ index }) => index), [0, 1, 2]);
      for (const { logprobs, message } of choices) {
        assert.equal(message.content, EXPECTED_TEXT);
        assert.equal(logprobs.content.map(({ token }) => token).join(""), EXPECTED_TEXT);
        assert.ok(logprobs.content.every(({ top_logprobs }) => top_logprobs.length === 2));
      }
    });

    test(`tools there and back, ${where}`, async () => {
      const tools = [cityTool("weather"), cityTool("traffic")];
      const { choices } = await ask({ tools });
      const { tool_calls } = choices[0].message;
      assert.equal(choices[0].finish_reason, "tool_calls");
      const found = tool_calls.map((call) => [call.type, call.function.name, JSON.parse(call.function.arguments)]);
      assert.deepEqual(
        found,
        ["weather", "traffic"].map((name) => ["function", name, { city: "Zürich", days: 3 }]),
      );
      assert.equal(new Set(tool_calls.map(({ id }) => id)).size, 2);
      const results = tool_calls.map((call) => ({
        role: "tool",
        tool_call_id: call.id,
        content: `${call.function.name}: fine`,
      }));
      const final = await ask({ tools, messages: [user, { role: "assistant", tool_calls }, ...results] });
      assert.equal(final.choices[0].message.content, "The tool says traffic: fine");
      assert.equal(final.choices[0].finish_reason, "stop");
    });

    test(`reasoning over several turns, ${where}`, async () => {
      const model = "deepseek-reasoner";
      const messages = [user];
      for (const turn of ["first", "second"]) {
        const { content, reasoning_content } = await thought({ model, messages });
        assert.deepEqual([turn, content, reasoning_content], [turn, EXPECTED_TEXT, EXPECTED_REASONING]);
        messages.push({ role: "assistant", content, reasoning_content }, { role: "user", content: "Why?" });
      }
    });
  }
}

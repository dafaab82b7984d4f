// Every error of contract section 5 through the official npm package: ../error_table.json, whose members are explained
// in tests/support/error_table.py. What each row needs to come about stands there too.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

import OpenAI from "openai";

const { GATEWAY_URL, DAMAGED_URL, PROVIDER_CONTROL } = process.env;
const KEYS = JSON.parse(process.env.GATEWAY_KEYS);
const TABLE = JSON.parse(readFileSync(new URL("../error_table.json", import.meta.url)));
const BASES = { whole: "/v1", streamed: "/api/v1" };
const HELD = ["twin", "idempotent twin"];
const AT_ONCE = 8;
// What a client is told where a request in flight stands in its way, in seconds.
const IN_FLIGHT = 3;
const DEFAULT_RETRIES = 2;
let number = 0;

/** A row on its way: its calls, and what its last call exchanged with the gateway. */
class Provocation {
  constructor(row, variant) {
    this.row = row;
    this.variant = variant;
    const behaviour = HELD.includes(row.before) ? "held" : (row.behaviour ?? "ok");
    this.user = `${behaviour}/node errors ${(number += 1)}`;
    const once = ["idempotent twin", "another body"].includes(row.before);
    this.headers = once ? { "Idempotency-Key": crypto.randomUUID() } : {};
    this.onRefusal = async () => {};
  }

  /** One call of the client; a stream is read to its end. What it exchanged is kept in `exchanges`. */
  async call(maxRetries, members = this.row.members) {
    const exchanges = [];
    this.exchanges = exchanges;
    const client = new OpenAI({
      baseURL: (this.row.server ? DAMAGED_URL : GATEWAY_URL) + BASES[this.variant],
      apiKey: KEYS[`${this.row.name}, ${this.variant}`],
      maxRetries,
      fetch: async (url, init) => {
        const exchange = { asked: performance.now() };
        exchanges.push(exchange);
        const reply = await fetch(url, init);
        Object.assign(exchange, { answered: performance.now(), status: reply.status, headers: reply.headers });
        if (!reply.ok) {
          exchange.body = await reply.clone().text();
          await this.onRefusal();
        }
        return reply;
      },
    });
    const { request } = this.row;
    if (request) return client[request.method](request.path, { body: request.body });
    const content = "a".repeat(this.row.long_prompt ?? 0) || "Hello";
    const messages = [{ role: "user", content }];
    const stream = this.variant === "streamed";
    const body = { model: "gpt-4o-mini", messages, user: this.user, stream, ...members };
    const reply = await client.chat.completions.create(body, { headers: this.headers });
    if (stream) for await (const chunk of reply) assert.ok(chunk.id);
  }

  /** Brings about what comes before; `twin` has to be awaited at the end. */
  async prepare() {
    if (this.row.before === "itself") await this.call(0);
    if (this.row.before === "another body") await this.call(0, {});
    if (!HELD.includes(this.row.before)) return;
    this.twin = this.call(0);
    await this.control("arrived");
  }

  /** Returns when what came before is in flight no more: it is told a time that is not a guess. */
  async settled() {
    do await this.call(0).catch(() => {});
    while (toldDelay(this.exchanges[0]) <= IN_FLIGHT);
  }

  /** Has the provider wait for the request, or open its gate for two. */
  async control(...orders) {
    for (const order of orders) {
      const reply = await fetch(`${PROVIDER_CONTROL}${order}/${encodeURIComponent(this.user)}`);
      assert.ok(reply.ok);
      await reply.text();
    }
  }
}

/** The seconds that a client is told to wait. */
function toldDelay({ headers }) {
  const milliseconds = headers.get("retry-after-ms");
  return milliseconds ? Number(milliseconds) / 1000 : Number(headers.get("retry-after") ?? 0);
}

function checkReply(row, { headers, body }) {
  const { error, ...others } = JSON.parse(body);
  assert.deepEqual(others, {});
  assert.deepEqual(Object.keys(error).sort(), ["code", "message", "param", "type"]);
  assert.deepEqual([error.type, error.code, error.param], [row.type, row.code, row.param]);
  assert.ok(error.message.includes(row.says ?? ""), error.message);
  assert.ok(headers.get("x-request-id"));
  const expected = { "retry-after": row.retry_after, "retry-after-ms": row.retry_after_ms };
  for (const [name, value] of Object.entries({ ...expected, "x-should-retry": row.should_retry })) {
    if (value) assert.equal(headers.get(name), value, name);
  }
  if (row.recovers) assert.equal(headers.get("x-should-retry"), null);
}

function checkWaits(exchanges) {
  exchanges.slice(1).forEach((exchange, index) => {
    const told = toldDelay(exchanges[index]);
    const waited = (exchange.asked - exchanges[index].answered) / 1000;
    // A timer of Node's may ring a millisecond early.
    assert.ok(waited >= told - 0.002, `waited ${waited} s, told ${told} s`);
  });
}

describe("errors", { concurrency: AT_ONCE }, () => {
  for (const row of TABLE) {
    for (const variant of row.variants ?? ["whole", "streamed"]) {
      test(`${row.name}, ${variant}`, async () => {
        const provocation = new Provocation(row, variant);
        await provocation.prepare();
        if (row.before === "itself") await provocation.settled();
        await assert.rejects(provocation.call(row.recovers ? 0 : undefined), (error) => {
          assert.equal(error.constructor, OpenAI[row.node]);
          const found = [error.status, error.type, error.code, error.param];
          assert.deepEqual(found, [row.status, row.type, row.code, row.param]);
          assert.ok(error.requestID);
          assert.equal(error.requestID, error.headers.get("x-request-id"));
          return true;
        });
        checkReply(row, provocation.exchanges[0]);
        if (row.recovers) {
          provocation.onRefusal = () => provocation.control("release", "release");
          await provocation.call(DEFAULT_RETRIES);
          const statuses = provocation.exchanges.map(({ status }) => status);
          assert.equal(statuses.pop(), 200);
          assert.ok(statuses.length > 0);
          assert.ok(statuses.every((status) => status === row.status), String(statuses));
        } else {
          assert.equal(provocation.exchanges.length, row.requests);
        }
        checkWaits(provocation.exchanges);
        await provocation.twin;
      });
    }
  }
});

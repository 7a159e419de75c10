import assert from "node:assert/strict";
import { test } from "node:test";
import { showRecord, type LoggedRecord } from "./tail.ts";

test("a record is one line, with or without key and value", () => {
  const show = (record: Partial<LoggedRecord>): string =>
    showRecord({ partition: 0, offset: 7, timestamp: "2026-11-21T08:00:00Z", ...record }, { style: (_style, text) => text });
  const place = "0:7  2026-11-21T08:00:00Z";
  assert.equal(show({ key: "A-1", value: { id: "A-1" } }), `${place}  A-1  {"id":"A-1"}`);
  assert.equal(show({ key: ["A", 1], value: null }), `${place}  ["A",1]  null`);
  assert.equal(show({ value: { text: "no key" } }), `${place}  null  {"text":"no key"}`);
  assert.equal(show({ error: { code: "avro.malformed", message: "It ends early.\u001b" } }), `${place}  null  avro.malformed: It ends early.\\u001b`);
});

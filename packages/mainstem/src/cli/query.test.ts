import assert from "node:assert/strict";
import { test } from "node:test";
import { collectAt, parseStatement, toTimeCell } from "./query.ts";

test("a statement that is empty is a wrong call, which the server is not asked about", () => {
  for (const text of ["", " \n\t"]) assert.throws(() => parseStatement(text), { code: "commander.invalidArgument", message: /one SELECT statement/ });
  assert.equal(parseStatement(" select 1"), " select 1");
});

test("takes a time, or a snapshot for each dataset", () => {
  assert.equal(collectAt("2026-11-21T12:00:00Z", undefined), "2026-11-21T12:00:00Z");
  const orders = collectAt("shop.orders=9007199254740993", undefined);
  assert.deepEqual(collectAt("shop.items=2", orders), { "shop.orders": "9007199254740993", "shop.items": "2" });
});

test("refuses a time without its zone, and times mixed with snapshots", () => {
  for (const text of ["2026-11-21T12:00:00", "yesterday", ""]) assert.throws(() => collectAt(text, undefined), /zone/);
  assert.throws(() => collectAt("2026-11-21T12:00:00Z", "2026-11-21T13:00:00Z"), /one time/);
  assert.throws(() => collectAt("shop.orders=1", "2026-11-21T13:00:00Z"), /one time/);
  assert.throws(() => collectAt("2026-11-21T12:00:00Z", { "shop.orders": "1" }), /one time/);
});

test("says what comes after a dataset's name", () => {
  for (const text of ["shop.orders=2026-11-21T12:00:00Z", "shop.orders=", "shop.orders=latest"])
    assert.throws(() => collectAt(text, undefined), /After shop\.orders= comes the id of a snapshot \(`mainstem snapshots shop\.orders`\)/);
});

test("a time in a table has no digits that say nothing", () => {
  const shown = ["2026-11-20T09:15:00.000000Z", "2026-11-20T09:15:00.120000Z", "2026-11-20T09:15:00Z", "2026-11-20T10:00:00", null].map(toTimeCell);
  assert.deepEqual(shown, ["2026-11-20T09:15:00Z", "2026-11-20T09:15:00.12Z", "2026-11-20T09:15:00Z", "2026-11-20T10:00:00", ""]);
});

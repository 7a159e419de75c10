// What we write is held against the standard's own JSON schema, and the standard's own examples are read.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { formatContract, formatExact, fromOdcs, parseContract, toOdcs } from "@mainstem/contract";
import { Ajv2019 } from "ajv/dist/2019.js";
import fc from "fast-check";
import { parse } from "yaml";
import { timed } from "../../../contract/src/testing/arbitraries.ts";
import { declarations } from "../../../contract/src/testing/declarations.ts";
import { everyKind } from "../../../contract/src/testing/samples.ts";

const golden = new URL("../../../../test/golden/odcs/", import.meta.url);
/** The draft that the standard's schema is written in. */
const validate = new Ajv2019({ strict: false, validateFormats: false }).compile(
  JSON.parse(await readFile(new URL("odcs-json-schema-v3.1.0.json", golden), "utf8")),
);

test("what is exported is an ODCS 3.1 file by the standard's own JSON schema", () => {
  assert.equal(validate({ apiVersion: "v3.1.0" }), false);
  fc.assert(
    fc.property(declarations, (contract) => {
      assert.ok(validate(JSON.parse(formatExact(toOdcs(contract)))), JSON.stringify(validate.errors));
    }),
    timed(0.3),
  );
  assert.ok(validate(JSON.parse(formatExact(toOdcs(everyKind)))), JSON.stringify(validate.errors));
});

test("reads the standard's full example: two datasets, and a note for everything that a contract has no place for", async () => {
  const [payments, receivers] = fromOdcs(parse(await readFile(new URL("full-example.odcs.yaml", golden), "utf8")));
  assert.equal(payments?.contract["name"], "seller.tbl");
  assert.equal(payments.contract["owner"], "my-team");
  assert.equal(payments.contract["description"], "Provides core payment metrics");
  assert.deepEqual(payments.contract["key"], ["rcvr_id"]);
  assert.deepEqual(payments.contract["partition"], [{ field: "transaction_reference_date", transform: "identity" }]);
  assert.deepEqual(payments.contract["checks"], [{ kind: "notNull", field: "rcvr_cntry_code" }]);
  const notes = payments.notes.map(({ path, message }) => `${path}: ${message}`).join("\n");
  assert.match(notes, /^: Not carried over: .*servers.*price.*roles.*support/m);
  assert.match(notes, /^order: ODCS does not say/m);
  assert.match(notes, /^rcvr_cntry_code: Not carried over: businessName, authoritativeDefinitions, encryptedName\.$/m);
  assert.match(notes, /^slaProperties: The retention is not carried over\.$|^checks: 1 quality rules/m);
  assert.equal(receivers?.contract["name"], "seller.receivers");
  assert.deepEqual(receivers.contract["key"], ["id", "country_code"]);
  assert.equal(parseContract({ ...receivers.contract, order: ["receiver_name"] }).key.length, 2);
});

test("reads the standard's data types", async () => {
  const [types] = fromOdcs(parse(await readFile(new URL("all-data-types.odcs.yaml", golden), "utf8")), { namespace: "demo" });
  assert.ok(types);
  const { fields } = types.contract["schema"] as { readonly fields: readonly { readonly name: string; readonly type: readonly unknown[] }[] };
  assert.deepEqual(Object.fromEntries(fields.slice(0, 8).map(({ name, type }) => [name, type[1]])), {
    account_id: "string",
    txn_ref_date: { type: "int", logicalType: "date" },
    txn_timestamp: { type: "long", logicalType: "timestamp-micros" },
    txn_timestamp_tz: { type: "long", logicalType: "timestamp-micros" },
    txn_time: { type: "long", logicalType: "time-micros" },
    amount: "double",
    age: "int",
    is_open: "boolean",
  });
  assert.deepEqual((types.contract["checks"] as readonly unknown[]).slice(0, 3), [
    { kind: "length", field: "account_id", min: 11, max: 11 },
    { kind: "matches", field: "account_id", pattern: "ACC[0-9]{8}" },
    { kind: "range", field: "txn_ref_date", max: "2021-01-01", above: "2020-01-01" },
  ]);
});

test("the export of a contract with every kind says most of it in the standard's words", () => {
  const [schema] = toOdcs(everyKind)["schema"] as readonly { readonly properties: readonly Record<string, unknown>[] }[];
  const special = schema?.properties.filter((property) => property["customProperties"] !== undefined).map(({ name }) => name);
  // Named types with names of their own, a decimal in a fixed, a map, and null without a default.
  assert.deepEqual(special, ["status", "code", "rate", "email", "scores", "address"]);
  const [imported] = fromOdcs(toOdcs(everyKind));
  assert.deepEqual(formatContract(parseContract(imported?.contract)), formatContract(everyKind));
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Compatibility } from "../contract.ts";
import { parseAvroSchema } from "./schema-parser.ts";
import { checkCompatibility } from "./compatibility.ts";

interface Case {
  readonly name: string;
  readonly existing: readonly unknown[];
  readonly new: unknown;
  readonly level: Compatibility;
  readonly expected: boolean;
  readonly reasons?: readonly string[];
}
const golden = JSON.parse(readFileSync(new URL("../../../../test/golden/avro-compat.json", import.meta.url), "utf8")) as { readonly cases: readonly Case[] };

test(`judges the ${golden.cases.length} cases of Avro's own Java tests as they do`, async (t) => {
  for (const [index, one] of golden.cases.entries()) {
    await t.test(`${index}: ${one.name}`, () => {
      const conflicts = checkCompatibility(parseAvroSchema(one.new), { earlier: one.existing.map(parseAvroSchema), level: one.level });
      assert.equal(conflicts.length === 0, one.expected, JSON.stringify(conflicts));
      for (const reason of one.reasons ?? []) {
        const [kind, path] = reason.split(" at ");
        assert.ok(
          conflicts.some((conflict) => conflict.kind === kind && samePlace(conflict.path, path ?? "")),
          `${reason} is not among ${JSON.stringify(conflicts)}`,
        );
      }
    });
  }
});

/** Java names a union's branch (`/fields/4/type/2`) or a symbol list inside one, where we name the union. */
function samePlace(ours: string, theirs: string): boolean {
  return ours === theirs || theirs.startsWith(`${ours}/`);
}

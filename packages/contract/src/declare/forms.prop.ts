import assert from "node:assert/strict";
import { stripTypeScriptTypes } from "node:module";
import { test } from "node:test";
import fc from "fast-check";
import { z } from "zod";
import { formatContract } from "../contract-json.ts";
import { parseContract } from "../contract-parser.ts";
import { formatExact, parseExact } from "../exact-json.ts";
import * as contractPackage from "../index.ts";
import { timed } from "../testing/arbitraries.ts";
import { declarations } from "../testing/declarations.ts";
import { fromOdcs } from "./odcs-reader.ts";
import { toOdcs } from "./odcs-writer.ts";
import { toTypescript } from "./typescript-writer.ts";

const text = (contract: contractPackage.Contract): string => formatExact(formatContract(contract));

test("a contract exported to ODCS and imported again is the same contract", () => {
  fc.assert(
    fc.property(declarations, (contract) => {
      const [imported, ...others] = fromOdcs(parseExact(formatExact(toOdcs(contract))));
      assert.equal(others.length, 0);
      assert.deepEqual(imported?.notes, []);
      assert.equal(text(parseContract(imported.contract)), text(contract));
    }),
    timed(0.4),
  );
});

test("a contract exported to TypeScript declares the same contract", () => {
  fc.assert(
    fc.property(declarations, (contract) => {
      assert.equal(text(evaluate(toTypescript(contract))), text(contract));
    }),
    timed(0.4),
  );
});

/** Runs a module that imports nothing but the two packages, and gives what it exports. */
function evaluate(source: string): contractPackage.Contract {
  const plain = stripTypeScriptTypes(source);
  const imported = plain.replaceAll(/^import \{ (.*) \} from "(.*)";$/gm, (_, names: string, from: string) => `const { ${names} } = packages["${from}"];`);
  // oxlint-disable-next-line typescript/no-implied-eval -- the source under test is what this package wrote
  return new Function("packages", imported.replace(/^export const \w+ = /m, "return "))({
    "@mainstem/contract": contractPackage,
    zod: { z },
  }) as contractPackage.Contract;
}

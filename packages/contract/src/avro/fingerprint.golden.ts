import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { crc64Fingerprint, fingerprintWith, parseSingleObject, parsingCanonicalForm, singleObjectHeader } from "./fingerprint.ts";
import { parseAvroSchema } from "./schema-parser.ts";

const text = readFileSync(new URL("../../../../test/golden/avro/schema-tests.txt", import.meta.url), "utf8");

/** The cases of the file: an input (on one line, or between two INPUT), its canonical form, and mostly a fingerprint. */
function* cases(): Generator<{ readonly input: string; readonly canonical: string; readonly fingerprint: string | undefined }> {
  for (const part of text.split(/^\/\/ \d{3}$/m).slice(1)) {
    const input = /^<<INPUT\n([\s\S]*?)^INPUT$/m.exec(part)?.[1] ?? /^<<INPUT (.*)$/m.exec(part)?.[1];
    const canonical = /^<<canonical (.*)$/m.exec(part)?.[1];
    assert.ok(input !== undefined && canonical !== undefined);
    yield { input, canonical, fingerprint: /^<<fingerprint (.*)$/m.exec(part)?.[1] };
  }
}

test("canonical forms and fingerprints are those of Avro's own test file", () => {
  let [read, fingerprints] = [0, 0];
  for (const { input, canonical, fingerprint } of cases()) {
    const schema = parseAvroSchema(JSON.parse(input));
    assert.equal(parsingCanonicalForm(schema), canonical);
    read++;
    if (fingerprint === undefined) continue;
    assert.equal(BigInt.asIntN(64, crc64Fingerprint(schema)), BigInt(fingerprint));
    fingerprints++;
  }
  assert.deepEqual([read, fingerprints], [34, 26]);
});

test("other fingerprints are digests of the canonical form", () => {
  const digest = (name: string) => (bytes: Uint8Array) => createHash(name).update(bytes).digest();
  const schema = parseAvroSchema({ type: "int", logicalType: "date" });
  assert.equal(Buffer.from(fingerprintWith(schema, digest("md5"))).toString("hex"), createHash("md5").update('"int"').digest("hex"));
  assert.equal(fingerprintWith(schema, digest("sha256")).length, 32);
});

test("a single object starts with C3 01 and the fingerprint, little-endian", () => {
  const header = singleObjectHeader(parseAvroSchema("int"));
  assert.equal(Buffer.from(header).toString("hex"), "c3018f5c393f1ad57572");
  assert.deepEqual(parseSingleObject(Buffer.concat([Buffer.from("xx"), header]).subarray(2)), { fingerprint: 8247732601305521295n, start: 10 });
  for (const wrong of [header.subarray(0, 9), new Uint8Array(0), Uint8Array.of(0xc3, 2, 0, 0, 0, 0, 0, 0, 0, 0)])
    assert.throws(() => parseSingleObject(wrong), { code: "avro.malformed" });
});

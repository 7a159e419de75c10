import { ContractError } from "../errors.ts";
import type { AvroSchema } from "./schema.ts";
import { fullNameOf, isUnion } from "./schema.ts";

const utf8 = new TextEncoder();
/** Of no bytes; also the polynomial. */
const emptyFingerprint = 0xc15d213aa4d7a795n;
const marker = [0xc3, 0x01] as const;
const headerBytes = 10;

/**
 * What of a schema matters to its binary form, as text: names in full, and no docs, defaults, aliases, orders, logical types or other attributes.
 * It is no identity of a schema (`schemaText` is): schemas that mean different things share it.
 * Source: Apache Avro 1.12 specification, "Parsing Canonical Form for Schemas".
 */
export function parsingCanonicalForm(schema: AvroSchema): string {
  return canonical(schema, new Set());
}

/** A digest (MD5, SHA-256) of the canonical form; `hash` comes from `node:crypto` and its like. */
export function fingerprintWith(schema: AvroSchema, hash: (bytes: Uint8Array) => Uint8Array): Uint8Array {
  return hash(utf8.encode(parsingCanonicalForm(schema)));
}

/** CRC-64-AVRO of the canonical form, as 64 bits without a sign. Source: as above, "Schema Fingerprints". */
export function crc64Fingerprint(schema: AvroSchema): bigint {
  let fingerprint = emptyFingerprint;
  for (const byte of utf8.encode(parsingCanonicalForm(schema)))
    fingerprint = (fingerprint >> 8n) ^ (table[Number((fingerprint ^ BigInt(byte)) & 255n)] as bigint);
  return fingerprint;
}

/** The 10 bytes before a value in single-object encoding: C3 01 and the fingerprint, little-endian. Source: as above, "Single-object encoding". */
export function singleObjectHeader(schema: AvroSchema): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(headerBytes);
  bytes.set(marker);
  new DataView(bytes.buffer).setBigUint64(2, crc64Fingerprint(schema), true);
  return bytes;
}

/** The writer's schema of a single object, by its fingerprint, and where the value starts. Throws `avro.malformed` for what is no single object. */
export function parseSingleObject(bytes: Uint8Array): { readonly fingerprint: bigint; readonly start: number } {
  if (bytes.length < headerBytes || bytes[0] !== marker[0] || bytes[1] !== marker[1])
    throw new ContractError("avro.malformed", "These bytes are no single Avro object: they do not start with C3 01 and a fingerprint.", { position: 0 });
  return { fingerprint: new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(2, true), start: headerBytes };
}

const table: readonly bigint[] = Array.from({ length: 256 }, (_, index) => {
  let value = BigInt(index);
  for (let bit = 0; bit < 8; bit++) value = (value >> 1n) ^ ((value & 1n) === 1n ? emptyFingerprint : 0n);
  return value;
});

function canonical(schema: AvroSchema, defined: Set<string>): string {
  if (isUnion(schema)) return `[${schema.map((branch) => canonical(branch, defined)).join(",")}]`;
  if (schema.type === "array") return `{"type":"array","items":${canonical(schema.items, defined)}}`;
  if (schema.type === "map") return `{"type":"map","values":${canonical(schema.values, defined)}}`;
  if (!("name" in schema)) return JSON.stringify(schema.type);
  const name = JSON.stringify(fullNameOf(schema));
  if (defined.has(name)) return name;
  defined.add(name);
  const head = `{"name":${name},"type":"${schema.type}"`;
  if (schema.type === "enum") return `${head},"symbols":${JSON.stringify(schema.symbols)}}`;
  if (schema.type === "fixed") return `${head},"size":${schema.size}}`;
  const fields = schema.fields.map((field) => `{"name":${JSON.stringify(field.name)},"type":${canonical(field.type, defined)}}`);
  return `${head},"fields":[${fields.join(",")}]}`;
}

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { compileDecoder, compileToJson, parseContract, schemaText, toSchemaJson } from "@mainstem/contract";
import { openNodePackages, registryClients } from "../../../../../tools/services/node-packages.ts";
import { openPythonEnvironment } from "../../../../../tools/services/python.ts";
import { readTopic, toLines } from "../../ingest/testing/open-rooms.ts";
import { openApi, type TestApi } from "../testing/open-api.ts";

const topic = "shop.sales";
const subject = `${topic}-value`;
const sales = parseContract({
  name: topic,
  schema: {
    type: "record",
    name: "sales",
    namespace: "shop",
    fields: [
      { name: "saleId", type: "string" },
      { name: "revision", type: "long" },
      { name: "share", type: "double" },
      { name: "note", type: ["null", "string"], default: null },
      { name: "tags", type: { type: "array", items: "string" } },
      { name: "kind", type: { type: "enum", name: "Kind", symbols: ["SHOP", "WEB"] } },
    ],
  },
  key: ["saleId"],
  order: ["revision"],
  merge: { kind: "latest" },
});
const ours = [
  { saleId: "a", revision: 1, share: 0.25, note: null, tags: [], kind: "SHOP" },
  { saleId: "é😀", revision: 4_294_967_296, share: -1e300, note: "text", tags: ["x", ""], kind: "WEB" },
];
const theirs = ours.map((value) => ({ ...value, saleId: `their ${value.saleId}` }));
const person = (namespace: string) => ({
  type: "record",
  name: "Person",
  namespace,
  fields: [
    { name: "name", type: "string" },
    { name: "home", type: `${namespace}.Address` },
  ],
});
const address = (namespace: string) => ({ type: "record", name: "Address", namespace, fields: [{ name: "zip", type: "string" }] });
/** A default that no double holds: only texts can tell it. */
const far = '{"type":"record","name":"Far","fields":[{"name":"id","type":"string"},{"name":"at","type":"long","default":9223372036854775807}]}';
const near = '{"type":"record","name":"Far","fields":[{"name":"id","type":"string"}]}';
const someone = { name: "Ada", home: { zip: "1010" } };

let api: TestApi;
let url: string;
let packages: (name: string) => unknown;
/** The bytes of `ours` in the log, as the door wrote them. */
let messages: readonly Buffer[];
before(async () => {
  packages = await openNodePackages(registryClients);
  api = await openApi();
  url = `${api.server.url}/registry`;
  const { dataset } = await api.rooms.registry.apply(sales);
  const reply = await api.post(`/v1/datasets/${topic}/records`, toLines(ours));
  assert.equal(reply.status, 200, reply.text);
  messages = (await readTopic(api.rooms.log, dataset.topics.records)).map(({ bytes }) => bytes);
  assert.equal(messages.length, ours.length);
});
after(() => api[Symbol.asyncDispose]());

/** What a client wrote, as our own decoder reads it. */
async function decode(bytes: Uint8Array): Promise<unknown> {
  const view = Buffer.from(bytes);
  assert.equal(view[0], 0, "the wire format begins with a zero byte");
  const writer = await api.rooms.registry.schema(view.readUInt32BE(1));
  assert.ok(writer !== undefined, "the id is one of ours");
  return compileToJson(writer)(compileDecoder({ writer, reader: writer })(view, 5));
}

const bySaleId = (values: readonly unknown[]) => (values as typeof ours).toSorted((a, b) => (a.saleId < b.saleId ? -1 : 1));
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;

test("@confluentinc/schemaregistry reads what we wrote and writes what we read", async () => {
  const { SchemaRegistryClient, AvroSerializer, AvroDeserializer, SerdeType } = packages("@confluentinc/schemaregistry") as ConfluentPackage;
  const client = new SchemaRegistryClient({ baseURLs: [url] });
  const write = new AvroSerializer(client, SerdeType.VALUE, { useLatestVersion: true });
  const read = new AvroDeserializer(client, SerdeType.VALUE, {});
  const seen = await Promise.all(messages.map((message) => read.deserialize(topic, message)));
  assert.deepEqual(bySaleId(plain(seen) as readonly unknown[]), bySaleId(ours));
  const written = await Promise.all(theirs.map(async (value) => decode(await write.serialize(topic, value))));
  assert.deepEqual(written, theirs);

  const [inner, outer] = ["node.address", "node.person-value"];
  await client.register(inner, { schemaType: "AVRO", schema: JSON.stringify(address("node")) });
  const info = { schemaType: "AVRO", schema: JSON.stringify(person("node")), references: [{ name: "node.Address", subject: inner, version: 1 }] };
  const id = await client.register(outer, info);
  assert.equal(await client.getId(outer, info), id);
  assert.deepEqual(await client.getAllVersions(outer), [1]);
  const { schema, references } = await client.getBySubjectAndId(outer, id);
  assert.deepEqual([JSON.parse(schema), references], [person("node"), info.references]);
  const farId = await client.register("node.far", { schemaType: "AVRO", schema: far });
  assert.equal((await client.getBySubjectAndId("node.far", farId)).schema, far);
  const other = new AvroSerializer(client, SerdeType.VALUE, { useLatestVersion: true });
  const bytes = await other.serialize("node.person", someone);
  assert.deepEqual([await decode(bytes), plain(await read.deserialize("node.person", bytes))], [someone, someone]);
  assert.equal(await client.testSubjectCompatibility(outer, { schemaType: "AVRO", schema: '"string"' }), false);
  assert.equal(await client.updateCompatibility(outer, "FULL"), "FULL");
  await assert.rejects(client.getLatestSchemaMetadata("none"), (error: unknown) => codeOf(error) === 40401);
  assert.deepEqual(await client.deleteSubject(outer), [1]);
  assert.deepEqual(await client.deleteSubject(outer, true), [1]);
});

test("@kafkajs/confluent-schema-registry reads what we wrote and writes what we read", async () => {
  const { SchemaRegistry, SchemaType } = packages("@kafkajs/confluent-schema-registry") as KafkajsPackage;
  const registry = new SchemaRegistry({ host: url });
  const seen = await Promise.all(messages.map((message) => registry.decode(message)));
  assert.deepEqual(bySaleId(plain(seen) as readonly unknown[]), bySaleId(ours));
  const latest = await registry.getLatestSchemaId(subject);
  const written = await Promise.all(theirs.map(async (value) => decode(await registry.encode(latest, value))));
  assert.deepEqual(written, theirs);
  // It compares the level with the one that it expects, BACKWARD unless it is told.
  const options = { subject, compatibility: "BACKWARD_TRANSITIVE" };
  const { id } = await registry.register({ type: SchemaType.AVRO, schema: schemaText(sales.schema) }, options);
  assert.equal(id, latest, "what is registered again keeps its id");

  const next = toSchemaJson(sales.schema) as { readonly fields: readonly unknown[] };
  const schema = JSON.stringify({ ...next, fields: [...next.fields, { name: "added", type: ["null", "string"], default: null }] });
  const changed = await registry.register({ type: SchemaType.AVRO, schema }, options);
  assert.equal((await api.rooms.registry.require(topic)).schemaId, changed.id, "the dataset has the new schema");
  assert.deepEqual(plain(await registry.decode(await registry.encode(changed.id, { ...theirs[0], added: "x" }))), { ...theirs[0], added: "x" });
  await assert.rejects(registry.register({ type: SchemaType.AVRO, schema: JSON.stringify({ ...next, fields: next.fields.slice(1) }) }, options), /saleId/);

  const first = await registry.register(
    { type: SchemaType.AVRO, schema: JSON.stringify(address("kafkajs")) },
    { subject: "kafkajs.address", compatibility: "FULL" },
  );
  assert.deepEqual(plain(await registry.decode(await registry.encode(first.id, someone.home))), someone.home);
  assert.equal(await registry.getRegistryId("kafkajs.address", 1), first.id);
});

test("confluent-kafka for Python reads what we wrote and writes what we read", async () => {
  const python = await openPythonEnvironment(
    "schemaregistry",
    fileURLToPath(new URL("../../../../../tools/services/schemaregistry-requirements.txt", import.meta.url)),
  );
  const request = {
    url,
    topic,
    values: theirs,
    messages: messages.map((message) => message.toString("base64")),
    other: { address: address("python"), person: person("python"), value: someone },
    far: [near, far],
  };
  const script = fileURLToPath(new URL("../testing/ask-confluent.py", import.meta.url));
  const answer = JSON.parse(await python.run(script, JSON.stringify(request))) as PythonAnswer;
  const { versions, schemaId } = { versions: await api.rooms.registry.subjects.versions(subject), ...(await api.rooms.registry.require(topic)) };
  assert.deepEqual(answer.latest, { id: schemaId, version: versions.length });
  assert.deepEqual(bySaleId(answer.read), bySaleId(ours));
  const written = await Promise.all(answer.written.map((text) => decode(Buffer.from(text, "base64"))));
  assert.deepEqual(
    written.map((value) => ({ ...(value as object), added: undefined })),
    theirs.map((value) => ({ ...value, added: undefined })),
  );
  assert.equal(new Set(answer.ids).size, 1);
  assert.deepEqual(answer.other, someone);
  assert.deepEqual(answer.far, [far, "9223372036854775807"]);
  assert.ok(["python.address", "python.person-value", subject].every((name) => answer.subjects.includes(name)));
  assert.deepEqual([answer.compatible, answer.level], [false, "FULL"]);
  assert.deepEqual(answer.errors, [
    [404, 40401],
    [404, 40403],
    [409, 409],
  ]);
  assert.deepEqual(answer.deleted, [[1], [1]]);
});

function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "errorCode" in error ? error.errorCode : undefined;
}

interface PythonAnswer {
  readonly latest: { readonly id: number; readonly version: number };
  readonly written: readonly string[];
  readonly read: readonly unknown[];
  readonly ids: readonly number[];
  readonly other: unknown;
  readonly far: readonly string[];
  readonly subjects: readonly string[];
  readonly compatible: boolean;
  readonly level: string;
  readonly errors: readonly unknown[];
  readonly deleted: readonly unknown[];
}

/** What the tests use of Confluent's package. */
interface ConfluentPackage {
  readonly SchemaRegistryClient: new (config: { readonly baseURLs: readonly string[] }) => ConfluentClient;
  readonly AvroSerializer: new (
    client: ConfluentClient,
    type: unknown,
    config: { readonly useLatestVersion?: boolean },
  ) => { serialize(topic: string, value: unknown): Promise<Buffer> };
  readonly AvroDeserializer: new (client: ConfluentClient, type: unknown, config: object) => { deserialize(topic: string, bytes: Buffer): Promise<unknown> };
  readonly SerdeType: { readonly VALUE: unknown };
}
interface SchemaInfo {
  readonly schemaType?: string;
  readonly schema: string;
  readonly references?: readonly object[];
}
interface ConfluentClient {
  register(subject: string, schema: SchemaInfo): Promise<number>;
  getId(subject: string, schema: SchemaInfo): Promise<number>;
  getAllVersions(subject: string): Promise<readonly number[]>;
  getBySubjectAndId(subject: string, id: number): Promise<SchemaInfo>;
  getLatestSchemaMetadata(subject: string): Promise<unknown>;
  testSubjectCompatibility(subject: string, schema: SchemaInfo): Promise<boolean>;
  updateCompatibility(subject: string, level: string): Promise<string>;
  deleteSubject(subject: string, permanent?: boolean): Promise<readonly number[]>;
}

/** What the tests use of KafkaJS's package. */
interface KafkajsPackage {
  readonly SchemaRegistry: new (config: { readonly host: string }) => {
    register(schema: { readonly type: unknown; readonly schema: string }, options: object): Promise<{ readonly id: number }>;
    encode(id: number, value: unknown): Promise<Buffer>;
    decode(bytes: Buffer): Promise<unknown>;
    getLatestSchemaId(subject: string): Promise<number>;
    getRegistryId(subject: string, version: number): Promise<number>;
  };
  readonly SchemaType: { readonly AVRO: unknown };
}

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { schemaText, toSchemaJson } from "@mainstem/contract";
import { orders, ordersWithShop } from "../../ingest/testing/open-rooms.ts";
import { openApi, type TestApi } from "../testing/open-api.ts";

const ownType = "application/vnd.schemaregistry.v1+json";
const record = (name: string, fields: readonly unknown[]) => ({ type: "record", name, fields });
const id = { name: "id", type: "long" };
const optional = (name: string) => ({ name, type: ["null", "string"], default: null });
const sent = (schema: unknown, more: object = {}) => ({ schema: JSON.stringify(schema), ...more });

describe("the registry API", () => {
  let api: TestApi;
  /** Status and answer; the code in place of an error. */
  const call = async (method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<readonly [number, unknown]> => {
    const text = typeof body === "string" ? body : body === undefined ? undefined : JSON.stringify(body);
    const reply = await api.call(`/registry${path}`, {
      method,
      headers: { ...(text === undefined ? {} : { "content-type": ownType }), ...headers },
      ...(text === undefined ? {} : { body: text }),
    });
    const answer = JSON.parse(reply.text) as unknown;
    assert.equal(reply.headers.get("content-type"), ownType);
    if (reply.status < 400) return [reply.status, answer];
    const { error_code: code, message, ...rest } = answer as { readonly error_code: number; readonly message: string };
    assert.ok(typeof message === "string" && message !== "", reply.text);
    assert.deepEqual(rest, {}, "an error has a code and a message, and nothing else");
    return [reply.status, code];
  };
  const post = (path: string, body: unknown) => call("POST", path, body);
  const get = (path: string) => call("GET", path);
  const put = (path: string, body: unknown) => call("PUT", path, body);
  const remove = (path: string) => call("DELETE", path);
  const messageOf = async (method: string, path: string, body?: unknown): Promise<string> => {
    const init = body === undefined ? {} : { headers: { "content-type": ownType }, body: JSON.stringify(body) };
    return (await api.call(`/registry${path}`, { method, ...init })).body["message"] as string;
  };
  before(async () => {
    api = await openApi();
  });
  after(() => api[Symbol.asyncDispose]());

  test("answers at its root, and says what it knows", async () => {
    assert.deepEqual(await get("/"), [200, {}]);
    assert.deepEqual(await get("/schemas/types"), [200, ["AVRO"]]);
    assert.deepEqual(await get("/contexts"), [200, ["."]]);
    assert.deepEqual(await get("/nothing"), [404, 404]);
    assert.deepEqual(await call("PATCH", "/subjects"), [405, 405]);
    const reply = await api.call("/registry/subjects", { method: "PUT" });
    assert.equal(reply.headers.get("allow"), "GET, HEAD");
  });

  test("takes and gives both types of content", async () => {
    for (const type of [ownType, "application/vnd.schemaregistry+json", "application/json; charset=utf-8"])
      assert.deepEqual((await call("POST", "/subjects/types/versions", sent("int"), { "content-type": type }))[0], 200, type);
    assert.deepEqual(await call("POST", "/subjects/types/versions", sent("int"), { "content-type": "text/plain" }), [415, 415]);
    const plain = await api.call("/registry/subjects", { headers: { accept: "application/json" } });
    assert.equal(plain.headers.get("content-type"), "application/json");
    const mixed = await api.call("/registry/subjects", { headers: { accept: `${ownType}, application/json` } });
    assert.equal(mixed.headers.get("content-type"), ownType);
    const empty = await api.call("/registry/subjects/none", { method: "DELETE", headers: { "content-type": "application/json", "content-length": "0" } });
    assert.deepEqual([empty.status, empty.body["error_code"]], [404, 40401]);
  });

  test("registers, looks up and shows schemas", async () => {
    const first = record("Word", [id]);
    const second = record("Word", [id, optional("text")]);
    const [, { id: one }] = (await post("/subjects/words/versions", sent(first))) as [number, { readonly id: number }];
    const [, { id: two }] = (await post("/subjects/words/versions?normalize=true", sent(second, { schemaType: "AVRO", references: [], metadata: null }))) as [
      number,
      { readonly id: number },
    ];
    assert.deepEqual(await post("/subjects/words/versions", sent(first)), [200, { id: one }]);
    const shown = { subject: "words", version: 1, id: one, schema: JSON.stringify(first) };
    assert.deepEqual(await post("/subjects/words", sent(first)), [200, shown]);
    assert.deepEqual(await get("/subjects/words/versions"), [200, [1, 2]]);
    assert.deepEqual(await get("/subjects/words/versions?offset=1&limit=1"), [200, [2]]);
    assert.deepEqual(await get("/subjects/words/versions/1"), [200, shown]);
    assert.deepEqual(await get("/subjects/words/versions/latest/schema"), [200, second]);
    assert.deepEqual(await get("/subjects/words/versions/-1/schema"), [200, second]);
    assert.deepEqual(await get(`/schemas/ids/${two}`), [200, { schema: JSON.stringify(second) }]);
    assert.deepEqual(await get(`/schemas/ids/${one}?fetchMaxId=true`), [200, { schema: JSON.stringify(first), maxId: two }]);
    assert.deepEqual(await get(`/schemas/ids/${two}/schema`), [200, second]);
    await post("/subjects/words2/versions", sent(second));
    assert.deepEqual(await get(`/schemas/ids/${two}/subjects`), [200, ["words", "words2"]]);
    assert.deepEqual(await get(`/schemas/ids/${two}/versions`), [
      200,
      [
        { subject: "words", version: 2 },
        { subject: "words2", version: 1 },
      ],
    ]);
    assert.deepEqual(await get(`/schemas/ids/${two}/versions?subject=words2`), [200, [{ subject: "words2", version: 1 }]]);
    for (const prefix of ["word", ":*:word", ":.:word"]) assert.deepEqual(await get(`/subjects?subjectPrefix=${prefix}`), [200, ["words", "words2"]]);
    const [, all] = await get("/schemas?subjectPrefix=words");
    assert.deepEqual(
      (all as readonly { readonly subject: string; readonly version: number }[]).map(({ subject, version }) => [subject, version]),
      [
        ["words", 1],
        ["words", 2],
        ["words2", 1],
      ],
    );
    const [, latest] = await get("/schemas?subjectPrefix=words&latestOnly=true");
    assert.deepEqual(
      (latest as readonly { readonly version: number }[]).map(({ version }) => version),
      [2, 1],
    );
    const [, { id: bare }] = (await post("/subjects/bare/versions", { schema: "string" })) as [number, { readonly id: number }];
    assert.deepEqual(await get(`/schemas/ids/${bare}/schema`), [200, "string"]);
  });

  test("defaults beyond 2^53 keep their digits, and count", async () => {
    const schemas = ["9223372036854775807", "9223372036854775806", "-9223372036854775808"].map(
      (fallback) => `{"type":"record","name":"Far","fields":[{"name":"at","type":"long","default":${fallback}}]}`,
    );
    const ids: number[] = [];
    for (const [index, schema] of schemas.entries()) {
      const [, { id: given }] = (await post("/subjects/far/versions", { schema })) as [number, { readonly id: number }];
      ids.push(given);
      assert.deepEqual(await get(`/subjects/far/versions/${index + 1}`), [200, { subject: "far", version: index + 1, id: given, schema }]);
      assert.deepEqual(await get(`/schemas/ids/${given}`), [200, { schema }]);
      assert.equal((await api.call(`/registry/schemas/ids/${given}/schema`)).text, schema);
      assert.deepEqual(await post("/subjects/far", { schema }), [200, { subject: "far", version: index + 1, id: given, schema }]);
    }
    assert.equal(new Set(ids).size, schemas.length);
    const outer = '{"type":"record","name":"Outer","fields":[{"name":"far","type":"Far","default":{"at":9223372036854775805}}]}';
    const references = [{ name: "Far", subject: "far", version: 1 }];
    await post("/subjects/outer/versions", { schema: outer, references });
    assert.equal((await api.call("/registry/subjects/outer/versions/1/schema")).text, outer);
    for (const text of [schemas[0]?.replace("5807", "5808"), '{"type":"int","x":1e400}', `{"type":"int","x":${"[".repeat(2_000)}${"]".repeat(2_000)}}`])
      assert.deepEqual(await post("/subjects/far/versions", { schema: text }), [422, 42201], text?.slice(0, 100));
    for (const path of ["/subjects/outer", "/subjects/far", "/subjects/outer?permanent=true", "/subjects/far?permanent=true"]) await remove(path);
    assert.deepEqual(await post("/subjects/far/versions", { schema: `${"[".repeat(50_000)}${"]".repeat(50_000)}` }), [422, 42201]);
  });

  test("names that need escaping in a path work in all routes", async () => {
    const name = encodeURIComponent("a/b ö?");
    await post(`/subjects/${name}/versions`, sent("int"));
    assert.deepEqual(await get(`/subjects/${name}/versions/1/schema`), [200, "int"]);
    assert.deepEqual(await put(`/config/${name}`, { compatibility: "none" }), [200, { compatibility: "NONE" }]);
    assert.deepEqual(await remove(`/subjects/${name}`), [200, [1]]);
  });

  test("refuses with the codes of a registry", async () => {
    await post("/subjects/codes/versions", sent(record("C", [id])));
    const cases: readonly (readonly [string, string, unknown, number, number])[] = [
      ["GET", "/subjects/none/versions", undefined, 404, 40401],
      ["GET", "/subjects/none/versions/1", undefined, 404, 40401],
      ["DELETE", "/subjects/none", undefined, 404, 40401],
      ["POST", "/subjects/none", sent("int"), 404, 40401],
      ["GET", "/subjects/codes/versions/9", undefined, 404, 40402],
      ["GET", "/subjects/codes/versions/9/schema", undefined, 404, 40402],
      ["GET", "/subjects/codes/versions/9/referencedby", undefined, 404, 40402],
      ["DELETE", "/subjects/codes/versions/9", undefined, 404, 40402],
      ["POST", "/compatibility/subjects/codes/versions/9", sent("int"), 404, 40402],
      ["GET", "/schemas/ids/99999", undefined, 404, 40403],
      ["GET", "/schemas/ids/none/schema", undefined, 404, 40403],
      ["GET", "/schemas/ids/99999/subjects", undefined, 404, 40403],
      ["GET", "/schemas/ids/99999/versions", undefined, 404, 40403],
      ["POST", "/subjects/codes", sent("int"), 404, 40403],
      ["DELETE", "/subjects/codes?permanent=true", undefined, 404, 40405],
      ["DELETE", "/subjects/codes/versions/1?permanent=true", undefined, 404, 40407],
      ["GET", "/config/codes", undefined, 404, 40408],
      ["DELETE", "/config/codes", undefined, 404, 40401],
      ["GET", "/mode/codes", undefined, 404, 40409],
      ["DELETE", "/mode/codes", undefined, 404, 40401],
      ["POST", "/subjects/codes/versions", sent(record("C", [id, { name: "x", type: "int" }])), 409, 409],
      ["POST", "/subjects/codes/versions", sent({ type: "nothing" }), 422, 42201],
      ["POST", "/subjects/codes/versions", { schema: "{" }, 422, 42201],
      ["POST", "/subjects/codes/versions", {}, 422, 42201],
      ["POST", "/subjects/codes/versions", { schema: "  " }, 422, 42201],
      ["POST", "/subjects/codes/versions", [], 422, 42201],
      ["POST", "/subjects/codes/versions", sent({}, { schemaType: "PROTOBUF" }), 422, 42201],
      ["POST", "/subjects/codes/versions", sent("int", { schemaType: 7 }), 422, 42201],
      ["POST", "/subjects/codes/versions", sent("int", { schemaType: 2 ** 60 }), 422, 42201],
      ["POST", "/subjects/codes/versions", sent("int", { ruleSet: { domainRules: [] } }), 422, 42201],
      ["POST", "/subjects/codes/versions", sent("int", { references: {} }), 422, 42201],
      ["POST", "/subjects/codes/versions", sent("int", { references: [{ name: "a", subject: "b" }] }), 422, 42201],
      ["POST", "/subjects/codes/versions", sent("int", { references: [{ name: "a", subject: "none", version: 1 }] }), 422, 42201],
      ["POST", "/compatibility/subjects/codes/versions/latest", { schema: "nonsense" }, 422, 42201],
      ["GET", "/subjects/codes/versions/0", undefined, 422, 42202],
      ["GET", "/subjects/codes/versions/first", undefined, 422, 42202],
      ["GET", "/subjects/codes/versions/2147483648", undefined, 422, 42202],
      ["DELETE", "/subjects/codes/versions/x", undefined, 422, 42202],
      ["PUT", "/config", { compatibility: "SIDEWAYS" }, 422, 42203],
      ["PUT", "/config/codes", {}, 422, 42203],
      ["PUT", "/mode", { mode: "WRITEONLY" }, 422, 42204],
      ["PUT", "/mode/codes", undefined, 422, 42204],
      ["PUT", "/mode/codes", { mode: "IMPORT" }, 422, 42205],
      ["PUT", "/mode", { mode: "IMPORT" }, 422, 42205],
      ["POST", "/subjects/codes/versions", sent("int", { id: 3 }), 422, 42205],
      ["DELETE", "/subjects/shop.orders-value", undefined, 422, 42205],
      ["POST", "/subjects/%01/versions", sent("int"), 422, 42208],
      ["POST", "/subjects/__GLOBAL/versions", sent("int"), 422, 42208],
      ["GET", "/subjects/%E0%A4%A/versions", undefined, 400, 400],
      ["GET", `/subjects/${"x".repeat(401)}/versions`, undefined, 400, 400],
      ["POST", "/subjects/codes/versions", "{", 400, 400],
    ];
    for (const [method, path, body, status, code] of cases)
      assert.deepEqual(await call(method, path, body), [status, code], `${method} ${path} ${JSON.stringify(body)}`);
    assert.match(await messageOf("POST", "/subjects/codes/versions", sent({}, { schemaType: "JSON" })), /AVRO only/);
    assert.equal(await messageOf("GET", "/subjects/none/versions"), "Subject 'none' not found.");
  });

  test("deletes softly, then for good", async () => {
    const path = "/subjects/gone";
    for (const fields of [[id], [id, optional("a")], [id, optional("b")]]) await post(`${path}/versions`, sent(record("G", fields)));
    const { id: first } = (await get(`${path}/versions/1`))[1] as { readonly id: number };
    assert.deepEqual(await remove(`${path}/versions/2`), [200, 2]);
    assert.deepEqual(await remove(`${path}/versions/2`), [404, 40406]);
    assert.deepEqual(await get(`${path}/versions/2`), [404, 40402]);
    assert.deepEqual((await get(`${path}/versions/2?deleted=true`))[0], 200);
    assert.deepEqual(await get(`${path}/versions?deletedOnly=true`), [200, [2]]);
    assert.deepEqual(await remove(`${path}/versions/2?permanent=true`), [200, 2]);
    assert.deepEqual(await remove(`${path}/versions/latest`), [200, 3]);
    assert.deepEqual(await remove(path), [200, [1]]);
    assert.deepEqual(await remove(path), [404, 40404]);
    assert.deepEqual(await get(`${path}/versions`), [404, 40401]);
    assert.deepEqual(await get(`${path}/versions?deleted=true`), [200, [1, 3]]);
    assert.deepEqual(await get("/subjects?deletedOnly=true&subjectPrefix=go"), [200, ["gone"]]);
    assert.deepEqual(await post(path, sent(record("G", [id]))), [404, 40401]);
    assert.deepEqual((await post(`${path}?deleted=true`, sent(record("G", [id]))))[0], 200);
    assert.deepEqual(await remove(`${path}?permanent=true`), [200, [1, 3]]);
    assert.deepEqual(await get("/subjects?deleted=true&subjectPrefix=go"), [200, []]);
    for (const rest of ["", "/schema", "/subjects", "/versions"]) assert.deepEqual(await get(`/schemas/ids/${first}${rest}`), [404, 40403]);
    assert.deepEqual(await post(`${path}/versions`, sent(record("G", [id]))), [200, { id: first }], "the same schema has the same id for ever");
    assert.deepEqual(await get(`/schemas/ids/${first}/subjects`), [200, ["gone"]]);
  });

  test("keeps what others refer to", async () => {
    const [, { id: inner }] = (await post("/subjects/inner/versions", sent({ ...record("Inner", [id]), namespace: "n" }))) as [number, { readonly id: number }];
    const references = [{ name: "n.Inner", subject: "inner", version: 1 }];
    const outer = { ...record("Outer", [{ name: "inner", type: "n.Inner" }]), namespace: "n" };
    const [, { id: schemaId }] = (await post("/subjects/outer/versions", sent(outer, { references }))) as [number, { readonly id: number }];
    assert.notEqual(inner, schemaId);
    assert.deepEqual(await get(`/schemas/ids/${schemaId}`), [
      200,
      {
        schema: JSON.stringify({ ...outer, name: "Outer", namespace: "n", fields: outer.fields }, ["type", "name", "namespace", "fields"]).replace(
          '"fields":[{"type":"n.Inner","name":"inner"}]',
          '"fields":[{"name":"inner","type":"n.Inner"}]',
        ),
        references,
      },
    ]);
    assert.deepEqual(await get("/subjects/inner/versions/1/referencedby"), [200, [schemaId]]);
    assert.deepEqual(await get("/subjects/inner/versions/1/referencedby?offset=1"), [200, []]);
    assert.deepEqual(await remove("/subjects/inner/versions/1"), [422, 42206]);
    assert.deepEqual(await remove("/subjects/inner"), [422, 42206]);
    await remove("/subjects/outer/versions/1");
    assert.deepEqual(await get("/subjects/inner/versions/1/referencedby"), [200, []]);
    assert.deepEqual(await get("/subjects/inner/versions/1/referencedby?deleted=true"), [200, [schemaId]]);
  });

  test("a reference to version -1 is one to the latest, and kept with its number", async () => {
    await post("/subjects/part/versions", sent(record("Part", [id])));
    await post("/subjects/part/versions", sent(record("Part", [id, optional("note")])));
    const whole = (version: number) => sent(record("Whole", [{ name: "part", type: "Part" }]), { references: [{ name: "Part", subject: "part", version }] });
    assert.equal((await post("/subjects/whole/versions", whole(-1)))[0], 200);
    const [, shown] = await get("/subjects/whole/versions/1");
    assert.deepEqual((shown as { readonly references: unknown }).references, [{ name: "Part", subject: "part", version: 2 }]);
    assert.deepEqual(await post("/subjects/whole", whole(2)), [200, shown]);
    assert.deepEqual(await post("/subjects/whole", whole(1)), [404, 40403]);
    assert.deepEqual(await post("/subjects/whole", whole(-2)), [422, 42201]);
  });

  test("judges compatibility, with reasons on demand", async () => {
    await post("/subjects/judged/versions", sent(record("J", [id, { name: "a", type: "int" }])));
    await post("/subjects/judged/versions", sent(record("J", [id])));
    const bad = sent(record("J", [id, { name: "b", type: "string" }]));
    const good = sent(record("J", [id, optional("b")]));
    const path = "/compatibility/subjects/judged/versions";
    for (const which of ["", "/latest", "/1", "/2"]) {
      assert.deepEqual(await post(path + which, good), [200, { is_compatible: true }], which);
      assert.deepEqual(await post(path + which, bad), [200, { is_compatible: false }], which);
    }
    const [, verbose] = (await post(`${path}/latest?verbose=true`, bad)) as [number, { readonly is_compatible: boolean; readonly messages: readonly string[] }];
    assert.equal(verbose.messages.length, 1);
    assert.match(verbose.messages[0] ?? "", /READER_FIELD_MISSING_DEFAULT_VALUE at \/fields\/1 .*version 2.*Field b is new and has no default/);
    assert.deepEqual(await post(`${path}/latest?verbose=true`, good), [200, { is_compatible: true, messages: [] }]);
    const [, broken] = (await post(`${path}?verbose=true`, { schema: "nonsense!" })) as [number, { readonly messages: readonly string[] }];
    assert.match(broken.messages.join(), /^Invalid schema: it is not JSON/, "what is no schema is a reason too, for who asks for reasons");
    assert.deepEqual(await post("/compatibility/subjects/none/versions/latest", good), [200, { is_compatible: true }], "anything may be the first");
    const dataset = "/compatibility/subjects/shop.orders-value/versions/latest?verbose=true";
    assert.deepEqual(await post(dataset, sent(toSchemaJson(ordersWithShop.schema))), [200, { is_compatible: true, messages: [] }]);
    const [, refused] = (await post(dataset, sent(record("orders", [id])))) as [
      number,
      { readonly is_compatible: boolean; readonly messages: readonly string[] },
    ];
    assert.deepEqual([refused.is_compatible, refused.messages.length > 0], [false, true]);
  });

  test("keeps levels and modes, of all and of one", async () => {
    assert.deepEqual(await get("/config"), [200, { compatibilityLevel: "BACKWARD" }]);
    assert.deepEqual(await put("/config", { compatibility: "FULL" }), [200, { compatibility: "FULL" }]);
    assert.deepEqual(await get("/config/some?defaultToGlobal=true"), [200, { compatibilityLevel: "FULL" }]);
    assert.deepEqual(await put("/config/some", { compatibility: "FORWARD_TRANSITIVE" }), [200, { compatibility: "FORWARD_TRANSITIVE" }]);
    assert.deepEqual(await get("/config/some"), [200, { compatibilityLevel: "FORWARD_TRANSITIVE" }]);
    assert.deepEqual(await remove("/config/some"), [200, { compatibilityLevel: "FORWARD_TRANSITIVE" }]);
    assert.deepEqual(await get("/config/some"), [404, 40408]);
    assert.deepEqual(await remove("/config"), [200, { compatibilityLevel: "FULL" }]);
    assert.deepEqual(await get("/config"), [200, { compatibilityLevel: "BACKWARD" }]);
    assert.deepEqual(await get("/config/shop.orders-value"), [200, { compatibilityLevel: "BACKWARD_TRANSITIVE" }]);

    assert.deepEqual(await get("/mode"), [200, { mode: "READWRITE" }]);
    assert.deepEqual(await put("/mode/some", { mode: "READONLY" }), [200, { mode: "READONLY" }]);
    assert.deepEqual(await get("/mode/some"), [200, { mode: "READONLY" }]);
    assert.deepEqual(await post("/subjects/some/versions", sent("int")), [422, 42205]);
    assert.deepEqual(await remove("/mode/some"), [200, { mode: "READONLY" }]);
    assert.deepEqual(await get("/mode/some?defaultToGlobal=true"), [200, { mode: "READWRITE" }]);
    assert.deepEqual(await put("/mode/some", { mode: "IMPORT" }), [200, { mode: "IMPORT" }]);
    assert.deepEqual(await put("/mode", { mode: "READONLY" }), [200, { mode: "READONLY" }]);
    assert.deepEqual(await put("/config", { compatibility: "NONE" }), [422, 42205]);
    assert.deepEqual((await put("/config/some", { compatibility: "NONE" }))[0], 200, "the subject has a mode of its own");
    assert.deepEqual(await put("/mode", { mode: "READONLY_OVERRIDE" }), [200, { mode: "READONLY_OVERRIDE" }]);
    assert.deepEqual(await remove("/config/some"), [422, 42205]);
    assert.deepEqual(await remove("/mode"), [200, { mode: "READONLY_OVERRIDE" }]);
    assert.deepEqual(await put("/mode/some", { mode: "READWRITE" }), [200, { mode: "READWRITE" }]);
    assert.deepEqual(await post("/subjects/some/versions", sent("int", { version: 5 })), [422, 42201]);
    const [, registered] = await post("/subjects/some/versions", sent("int", { version: 1 }));
    for (const mode of ["READONLY", "IMPORT"]) {
      await put("/mode/some?force=true", { mode });
      assert.deepEqual(await post("/subjects/some/versions", sent("int")), [200, registered], `${mode}: producers register what they write with at each start`);
      assert.deepEqual(await post("/subjects/some/versions", sent("long")), [422, 42205], mode);
    }
  });

  test("takes schemas of another registry with their ids and versions, unjudged, in mode IMPORT", async () => {
    const path = "/subjects/moved/versions";
    const [one, other] = [record("Moved", [id]), record("Moved", [{ name: "name", type: "string" }])];
    assert.deepEqual(await post(path, sent(one, { id: 77_777 })), [422, 42205]);
    assert.deepEqual(await put("/mode/moved", { mode: "IMPORT" }), [200, { mode: "IMPORT" }]);
    assert.deepEqual(await post(path, sent(one)), [422, 42205], "an import says which id");
    assert.deepEqual(await post(path, sent(one, { id: 77_777, version: 5 })), [200, { id: 77_777 }]);
    assert.deepEqual(await post(path, sent(one, { id: "77777", version: "5" })), [200, { id: 77_777 }], "numbers may be texts");
    for (const wrong of [{ id: "five" }, { id: 77_777, version: [5] }]) assert.deepEqual(await post(path, sent(one, wrong)), [422, 42201]);
    assert.deepEqual(await post(path, sent(one, { id: 77_778 })), [422, 42207]);
    assert.deepEqual(await post(path, sent(other, { id: 77_777 })), [422, 42205]);
    assert.deepEqual(await post(path, sent(other, { id: 77_000, version: 5 })), [422, 42205]);
    assert.deepEqual(await post(path, sent(other, { id: 2 ** 31 })), [422, 42205]);
    assert.deepEqual(await post(path, sent(other, { id: 77_000, version: 3 })), [200, { id: 77_000 }]);
    assert.deepEqual(await get(path), [200, [3, 5]]);
    assert.deepEqual(await get("/schemas/ids/77000/schema"), [200, other]);
    assert.deepEqual(await put("/mode/moved", { mode: "READWRITE" }), [200, { mode: "READWRITE" }]);
    assert.deepEqual(await post(path, sent(record("Moved", [id, optional("text")]))), [200, { id: 77_778 }], "ids go on above all others");
    assert.deepEqual(await get(path), [200, [3, 5, 6]]);
  });

  test("registers a dataset's next schema through its contract", async () => {
    const path = "/subjects/shop.orders-value/versions";
    assert.deepEqual(await get(path), [200, [1]]);
    assert.deepEqual(await get(`${path}/1/schema`), [200, JSON.parse(schemaText(orders.schema))]);
    const [status, { id: schemaId }] = (await post(path, sent(toSchemaJson(ordersWithShop.schema)))) as [number, { readonly id: number }];
    assert.equal(status, 200);
    const { body } = await api.call("/v1/datasets/shop.orders");
    assert.deepEqual([body["version"], body["schemaId"]], [2, schemaId]);
    assert.deepEqual(await get(path), [200, [1, 2]]);
    assert.deepEqual(await post(path, sent(record("orders", [id]))), [409, 409]);
    const history = (await api.call("/v1/definitions/dataset/shop.orders/history")).body["versions"] as readonly { readonly provenance?: string }[];
    assert.equal(history.at(-1)?.provenance, "registered under the subject shop.orders-value");
  });

  test("describes its routes, every one", async () => {
    const { paths } = (await api.call("/openapi.json")).body as {
      readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly tags: readonly string[] }>>>>;
    };
    const own = Object.entries(paths).filter(([path]) => path.startsWith("/registry"));
    assert.equal(own.length, 20);
    for (const [path, methods] of own) for (const { tags } of Object.values(methods)) assert.deepEqual(tags, ["registry"], path);
  });

  test("asks for the server's token like every route", async () => {
    await using guarded = await openApi({ config: { token: "secret" } });
    assert.equal((await guarded.call("/registry/subjects")).status, 401);
    assert.equal((await guarded.call("/registry/subjects", { headers: { authorization: "Bearer secret" } })).status, 200);
    const basic = (text: string) => ({ headers: { authorization: `Basic ${Buffer.from(text).toString("base64")}` } });
    const statuses = await Promise.all(
      ["any:secret", ":secret", "secret:any", "secret", "any:secret:"].map((text) => guarded.call("/registry/subjects", basic(text))),
    );
    assert.deepEqual(
      statuses.map(({ status }) => status),
      [200, 200, 401, 401, 401],
    );
  });
});

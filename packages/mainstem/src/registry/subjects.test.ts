import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { parseAvroSchema, schemaText, toSchemaJson, type Contract } from "@mainstem/contract";
import type { Code } from "../runtime/errors.ts";
import type { Registry } from "./dataset.ts";
import type { SchemaReference, Subjects } from "./subject.ts";
import { contractOf, createFolder, createStores, loseState, openStores, type Stores } from "./testing/stores.ts";

const record = (name: string, fields: readonly unknown[]) => ({ type: "record", name, fields });
const id = { name: "id", type: "long" };
const optional = (name: string) => ({ name, type: ["null", "string"], default: null });
const sent = (schema: unknown, references: readonly SchemaReference[] = []) => ({ schema, references });
const jsonOf = (contract: Contract) => toSchemaJson(contract.schema);
const numbers = (versions: readonly { readonly version: number }[]) => versions.map(({ version }) => version);

async function fails(work: Promise<unknown>, code: Code, pattern = /./): Promise<void> {
  await assert.rejects(work, (error: unknown) => {
    assert.ok(error instanceof Error && "code" in error, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, pattern);
    return true;
  });
}

describe("subjects", () => {
  let stores: Stores;
  let registry: Registry;
  let subjects: Subjects;
  before(async () => {
    stores = await createStores();
    registry = await stores.open();
    subjects = registry.subjects;
  });
  after(async () => {
    await registry[Symbol.asyncDispose]();
    await stores[Symbol.asyncDispose]();
  });

  test("any Avro schema is a version, the same one only once, however it is written", async () => {
    const first = await subjects.register("words", sent({ fields: [id], name: "Word", type: "record" }));
    assert.deepEqual([first.version, first.deleted, first.references], [1, false, []]);
    assert.deepEqual(await subjects.register("words", sent({ type: "record", name: "Word", fields: [{ type: { type: "long" }, name: "id" }] })), first);
    const second = await subjects.register("words", sent(record("Word", [id, optional("text")])));
    assert.deepEqual([second.version, second.id > first.id], [2, true]);
    assert.deepEqual(await subjects.register("words", sent(record("Word", [id]))), first, "an older one stays what it was");
    assert.deepEqual(numbers(await subjects.versions("words")), [1, 2]);
    assert.deepEqual(await subjects.version("words", "latest"), second);
    assert.deepEqual(await subjects.find("words", sent(record("Word", [id]))), first);
    const other = await subjects.register("words-key", sent("string"));
    assert.equal((await subjects.register("more-key", sent({ type: "string" }))).id, other.id);
    assert.deepEqual(
      (await subjects.usesOf(other.id)).map(({ subject, version }) => [subject, version]),
      [
        ["more-key", 1],
        ["words-key", 1],
      ],
    );
    assert.equal((await subjects.schema(other.id)).schema, '"string"');
  });

  test("a schema that cannot follow is refused with every reason, and leaves nothing behind", async () => {
    await subjects.register("strict", sent(record("S", [id])));
    const highest = await subjects.highestId();
    const next = sent(record("S", [id, { name: "a", type: "string" }, { name: "b", type: "int" }]));
    await fails(subjects.register("strict", next), "registry.incompatible", /a is new and has no default.*b is new and has no default/s);
    assert.equal((await subjects.check("strict", next, "latest")).length, 2);
    assert.equal(await subjects.highestId(), highest);
    await subjects.settings.setLevel("strict", "NONE");
    assert.deepEqual(await subjects.check("strict", next, "all"), []);
    assert.equal((await subjects.register("strict", next)).version, 2);
    await subjects.settings.setLevel("strict", undefined);
    assert.deepEqual(await subjects.settings.level("strict"), { own: undefined, effective: "BACKWARD" });
  });

  test("transitive levels look at every version, the others at the last", async () => {
    await subjects.register("levels", sent(record("L", [id, { name: "a", type: "int" }])));
    await subjects.register("levels", sent(record("L", [id])));
    const back = sent(record("L", [id, { name: "a", type: "string", default: "" }]));
    assert.deepEqual(await subjects.check("levels", back, "all"), []);
    assert.equal((await subjects.check("levels", back, 1)).length, 1);
    await subjects.settings.setLevel(undefined, "BACKWARD_TRANSITIVE");
    assert.equal((await subjects.check("levels", back, "all")).length, 1);
    await fails(subjects.register("levels", back), "registry.incompatible", /version 1/);
    await subjects.settings.setLevel(undefined, undefined);
  });

  test("what is not there is told so", async () => {
    await subjects.register("known", sent("int"));
    await fails(subjects.versions("unknown"), "registry.subjectUnknown");
    await fails(subjects.version("unknown", "latest"), "registry.subjectUnknown");
    await fails(subjects.version("known", 9), "registry.versionUnknown");
    await fails(subjects.find("unknown", sent("int")), "registry.subjectUnknown");
    await fails(subjects.find("known", sent("long")), "registry.schemaUnknown");
    await fails(subjects.schema(9_999), "registry.schemaUnknown");
    await fails(subjects.usesOf(9_999), "registry.schemaUnknown");
    await fails(subjects.register("known", sent({ type: "recrod" })), "registry.schemaInvalid", /recrod/);
    for (const name of ["", "a\nb", "x".repeat(241), ":.context:known", ":*:known", "__GLOBAL", "__EMPTY", "\ud800"])
      await fails(subjects.register(name, sent("int")), "registry.subjectInvalid");
  });

  test("names of any letters are kept as they are", async () => {
    for (const name of ["a/b", ".", "..", "ä ö%", "😀", "%2E"]) {
      assert.equal((await subjects.register(name, sent("boolean"))).subject, name);
      assert.ok((await subjects.list()).includes(name), name);
      assert.deepEqual(numbers(await subjects.versions(name)), [1]);
    }
  });

  test("deletes softly first, then for good; an id stays what it was", async () => {
    const name = "gone";
    for (const fields of [[id], [id, optional("a")], [id, optional("b")]]) await subjects.register(name, sent(record("G", fields)));
    const [first] = await subjects.versions(name);
    await fails(subjects.removeVersion(name, 1, { permanent: true }), "registry.versionNotDeleted");
    assert.equal(await subjects.removeVersion(name, 1), 1);
    await fails(subjects.removeVersion(name, 1), "registry.versionDeleted");
    await fails(subjects.version(name, 1), "registry.versionUnknown");
    assert.equal((await subjects.version(name, 1, { deleted: true })).deleted, true);
    assert.deepEqual(
      [numbers(await subjects.versions(name)), numbers(await subjects.versions(name, { deleted: true }))],
      [
        [2, 3],
        [1, 2, 3],
      ],
    );
    assert.equal((await subjects.schema(first?.id ?? 0)).schema, first?.schema);
    const again = await subjects.register(name, sent(record("G", [id])));
    assert.deepEqual([again.version, again.id], [4, first?.id], "a version that is registered again is a new one, with the id that it had");
    assert.equal(await subjects.removeVersion(name, 1, { permanent: true }), 1);
    await fails(subjects.version(name, 1, { deleted: true }), "registry.versionUnknown");

    await subjects.settings.setLevel(name, "FULL");
    await fails(subjects.remove(name, { permanent: true }), "registry.subjectNotDeleted");
    assert.deepEqual(await subjects.remove(name), [2, 3, 4]);
    assert.equal((await subjects.settings.level(name)).own, undefined, "its settings went with it");
    await fails(subjects.remove(name), "registry.subjectDeleted");
    assert.deepEqual([(await subjects.list()).includes(name), (await subjects.list({ deleted: true })).includes(name)], [false, true]);
    assert.deepEqual(await subjects.list({ deletedOnly: true }), [name]);
    await fails(subjects.versions(name), "registry.subjectUnknown");
    assert.deepEqual(await subjects.remove(name, { permanent: true }), [2, 3, 4]);
    await fails(subjects.remove(name), "registry.subjectUnknown");
    assert.equal((await subjects.list({ deleted: true })).includes(name), false);
    const new1 = await subjects.register(name, sent(record("G", [id])));
    assert.deepEqual([new1.version, new1.id], [1, first?.id]);
  });

  test("schemas take types from other subjects, which then cannot be deleted", async () => {
    const address = await subjects.register("address", sent({ ...record("Address", [{ name: "zip", type: "string" }]), namespace: "shop" }));
    const toAddress = { name: "shop.Address", subject: "address", version: 1 };
    const person = {
      ...record("Person", [
        { name: "home", type: "Address" },
        { name: "work", type: ["null", "shop.Address"], default: null },
      ]),
      namespace: "shop",
    };
    await fails(subjects.register("person", sent(person)), "registry.schemaInvalid", /shop\.Address|Address/);
    const registered = await subjects.register("person", sent(person, [toAddress]));
    assert.deepEqual(JSON.parse(registered.schema), {
      ...person,
      fields: [
        { name: "home", type: "shop.Address" },
        { name: "work", type: ["null", "shop.Address"], default: null },
      ],
    });
    assert.deepEqual(registered.references, [toAddress]);
    assert.deepEqual(await subjects.schema(registered.id), { schema: registered.schema, references: [toAddress] });
    assert.deepEqual(await subjects.find("person", sent(person, [toAddress])), registered);
    const company = await subjects.register(
      "company",
      sent({ ...record("Company", [{ name: "boss", type: "shop.Person" }]), namespace: "shop" }, [{ name: "shop.Person", subject: "person", version: 1 }]),
    );
    assert.ok(!company.schema.includes("zip"));
    const whole = { type: "record", name: "Address", namespace: "shop", fields: [{ name: "zip", type: "string" }] };
    const inlined = { ...person, fields: [{ name: "home", type: whole }, person.fields[1]] };
    assert.equal((await subjects.register("inlined", sent(inlined))).id, registered.id, "what means the same is the same schema");

    assert.deepEqual(await subjects.referencedBy("address", "latest"), [registered.id]);
    assert.deepEqual(await subjects.referencedBy("company", 1), []);
    await fails(subjects.removeVersion("address", 1), "registry.referenced");
    await fails(subjects.remove("address"), "registry.referenced");
    await subjects.remove("company");
    await subjects.remove("person");
    await subjects.remove("address");
    await fails(subjects.remove("address", { permanent: true }), "registry.referenced", /person|address/);
    for (const name of ["company", "person", "address"]) await subjects.remove(name, { permanent: true });
    assert.equal((await subjects.schema(registered.id)).schema, schemaText(parseAvroSchema(inlined)), "another subject has it, in one piece");
    await fails(subjects.schema(address.id), "registry.schemaUnknown");
    await fails(subjects.usesOf(address.id, { deleted: true }), "registry.schemaUnknown");
    await fails(subjects.register("late", sent(person, [toAddress])), "registry.schemaInvalid", /version 1 of subject 'address'/);
    assert.equal((await subjects.register("again", sent(whole))).id, address.id, "the same schema has the same id for ever");
  });

  test("a schema that holds itself is a schema like others", async () => {
    const tree = (more: readonly unknown[]) => record("Tree", [{ name: "children", type: { type: "array", items: "Tree" } }, ...more]);
    const first = await subjects.register("trees", sent(tree([])));
    assert.deepEqual(JSON.parse(first.schema), tree([]));
    assert.equal((await subjects.register("trees", sent(tree([optional("label")])))).version, 2);
    await fails(subjects.register("trees", sent(tree([{ name: "label", type: "int" }]))), "registry.incompatible", /label/);
    const grove = record("Grove", [{ name: "trees", type: { type: "map", values: "Tree" } }]);
    const registered = await subjects.register("groves", sent(grove, [{ name: "Tree", subject: "trees", version: 1 }]));
    assert.deepEqual(JSON.parse(registered.schema), grove);
    assert.equal((await subjects.schema(registered.id, { subject: "trees" })).schema, registered.schema);
  });

  test("modes refuse what they do not allow", async () => {
    const { settings } = subjects;
    await subjects.register("modes", sent("int"));
    await settings.setMode("modes", "READONLY");
    await fails(subjects.register("modes", sent("long")), "registry.notPermitted", /read-only/);
    await fails(subjects.remove("modes"), "registry.notPermitted");
    await fails(settings.setMode("modes", "IMPORT"), "registry.notPermitted", /force/);
    await settings.setMode("modes", "IMPORT", { force: true });
    const imported = await subjects.register("modes", sent(record("Imported", [])), { version: 7, id: 500 });
    assert.deepEqual([imported.version, imported.id], [7, 500], "another registry judged it, and numbered it");
    await fails(subjects.register("modes", sent("bytes"), { version: 7, id: 501 }), "registry.notPermitted");
    await fails(subjects.register("modes", sent("bytes")), "registry.notPermitted", /read-write/);
    for (const version of [1.5, 2 ** 31, Number.MAX_SAFE_INTEGER])
      await fails(subjects.register("modes", sent("bytes"), { version, id: 501 }), "registry.versionInvalid", /2\^31-1/);
    await settings.setMode("last", "IMPORT");
    await subjects.register("last", sent(record("Last", [])), { version: 2 ** 31 - 1, id: 502 });
    await settings.setMode("last", undefined);
    await fails(subjects.register("last", sent(record("Last", [optional("a")]))), "registry.notPermitted", /the last version/);
    assert.deepEqual(numbers(await subjects.versions("last")), [2 ** 31 - 1]);
    await settings.setMode("modes", undefined);
    assert.deepEqual(await settings.mode("modes"), { own: undefined, effective: "READWRITE" });
    await fails(subjects.register("modes", sent("bytes"), { version: 9 }), "registry.schemaInvalid", /8 is the next/);
    await fails(subjects.register("modes", sent("bytes"), { id: 501 }), "registry.notPermitted", /import/);
    await fails(settings.setMode(undefined, "IMPORT"), "registry.notPermitted");
    await settings.setMode(undefined, "READONLY");
    await fails(subjects.register("fresh", sent("int")), "registry.notPermitted");
    await settings.setMode(undefined, undefined);
  });
});

describe("the subject of a dataset", () => {
  const first = contractOf("shop.orders");
  const second = contractOf("shop.orders", { fields: ["x"] });
  const third = contractOf("shop.orders", { fields: ["x", "y"] });

  test("has the distinct schemas of its history as versions", async () => {
    await using stores = await createStores();
    await using registry = await stores.open();
    for (const contract of [first, contractOf("shop.orders", { owner: "checkout" }), second]) await registry.apply(contract);
    const versions = await registry.subjects.versions("shop.orders-value");
    assert.deepEqual(
      versions.map(({ version, id: schemaId, schema }) => [version, schemaId, schema]),
      [
        [1, 1, schemaText(first.schema)],
        [2, 2, schemaText(second.schema)],
      ],
    );
    assert.deepEqual(await registry.subjects.list(), ["shop.orders-value"]);
    assert.deepEqual(await registry.subjects.settings.level("shop.orders-value"), { own: "BACKWARD_TRANSITIVE", effective: "BACKWARD_TRANSITIVE" });
  });

  test("changes the contract when a schema is registered", async () => {
    await using stores = await createStores();
    await using registry = await stores.open();
    const { subjects } = registry;
    await registry.apply({ ...first, owner: "checkout" });
    const registered = await subjects.register("shop.orders-value", sent(jsonOf(second)));
    assert.deepEqual([registered.version, registered.id], [2, 2]);
    const { contract, schemaId, version } = await registry.require("shop.orders");
    assert.deepEqual([contract, schemaId, version], [{ ...second, owner: "checkout" }, 2, 2]);
    assert.deepEqual(await subjects.register("shop.orders-value", sent(jsonOf(first))), await subjects.version("shop.orders-value", 1));
    assert.equal((await registry.require("shop.orders")).version, 2, "an older schema changes nothing");
  });

  test("keeps what a contract is changed to while a schema or a level is registered", async () => {
    for (let round = 0; round < 3; round++) {
      await using stores = await createStores();
      await using registry = await stores.open();
      const { subjects } = registry;
      await registry.apply(first);
      const checks = [{ kind: "range", field: "revision", min: 0 }];
      // The schema's fields come after whatever was applied in between.
      await Promise.all([
        subjects.register("shop.orders-value", sent(jsonOf(second))),
        subjects.settings.setLevel("shop.orders-value", "FULL_TRANSITIVE"),
        registry.apply(contractOf("shop.orders", { owner: "checkout", checks })).catch((error: unknown) => {
          // It came second, and lacks the field.
          assert.equal((error as { readonly code?: string }).code, "contract.incompatible");
        }),
      ]);
      const history = await registry.history("shop.orders");
      const declared = history.findIndex(({ contract: { owner } }) => owner === "checkout");
      for (const { contract } of declared < 0 ? [] : history.slice(declared)) assert.deepEqual([contract.owner, contract.checks.length], ["checkout", 1]);
      assert.equal((await registry.require("shop.orders")).contract.schema.fields.length, 4);
    }
  });

  test("takes no pii mark away, and gives one", async () => {
    await using stores = await createStores();
    await using registry = await stores.open();
    const { subjects } = registry;
    const home = { type: "record", name: "home", fields: [{ name: "street", type: "string", pii: true }] };
    const more = [
      { name: "email", type: ["null", "string"], default: null, pii: true },
      { name: "home", type: ["null", home], default: null },
    ];
    const schemaOf = (...fields: readonly unknown[]) => {
      const json = jsonOf(first) as { readonly fields: readonly unknown[] };
      return { ...json, fields: [...json.fields, ...fields] };
    };
    await registry.apply(contractOf("shop.orders", { schema: schemaOf(...more) }));
    const [email, place] = more;
    const bareHome = { ...home, fields: [{ name: "street", type: "string" }] };
    for (const [fields, pattern] of [
      [[{ ...email, pii: undefined }, place], /email must stay marked "pii": true/],
      [[{ ...email, pii: false }, place], /email must stay marked/],
      [[email, { ...place, type: ["null", bareHome] }], /home\.street must stay marked/],
      [[{ ...email, name: "mail", aliases: ["email"], pii: false }, place], /mail must stay marked/],
    ] as const) {
      const submitted = sent(schemaOf(...fields, optional("more")));
      await fails(subjects.register("shop.orders-value", submitted), "registry.incompatible", pattern);
      assert.match((await subjects.check("shop.orders-value", submitted, "latest")).join(" "), pattern);
    }
    await subjects.register("shop.orders-value", sent(schemaOf(...more, { ...optional("phone"), pii: true })));
    const { changes } = (await registry.judge(contractOf("shop.orders", { schema: schemaOf({ ...email, pii: false }, place, optional("phone")) }))) as {
      readonly changes?: readonly string[];
    };
    assert.deepEqual(changes, ["email is no longer marked pii", "phone is no longer marked pii"]);
  });

  test("refuses what the contract refuses, by name, and another order of fields", async () => {
    await using stores = await createStores();
    await using registry = await stores.open();
    const { subjects } = registry;
    await registry.apply(second);
    const change = (edit: (fields: readonly { readonly name: string }[]) => readonly unknown[]) => {
      const json = jsonOf(second) as { readonly fields: readonly { readonly name: string }[] };
      return sent({ ...json, fields: edit(json.fields) });
    };
    const cases: readonly (readonly [ReturnType<typeof sent>, Code, RegExp])[] = [
      [change((fields) => fields.slice(0, -1)), "contract.incompatible", /Field x is gone/],
      [change((fields) => [...fields, { name: "y", type: "int" }]), "contract.incompatible", /y is new and has no default/],
      [change((fields) => fields.toReversed()), "registry.incompatible", /order/],
      [change((fields) => [optional("y"), ...fields]), "registry.incompatible", /new ones after them/],
      [change((fields) => fields.filter(({ name }) => name !== "id")), "registry.incompatible", /key/],
      [sent("string"), "registry.incompatible", /record/],
    ];
    for (const [submitted, code, pattern] of cases) {
      await fails(subjects.register("shop.orders-value", submitted), code, pattern);
      assert.match((await subjects.check("shop.orders-value", submitted, "latest")).join(" "), pattern);
    }
    assert.deepEqual(await subjects.check("shop.orders-value", sent(jsonOf(third)), "latest"), []);
    assert.equal((await registry.require("shop.orders")).version, 1);
  });

  test("renames and widens when a schema says so, and removes nothing: who sent it may not know the field", async () => {
    await using stores = await createStores();
    await using registry = await stores.open();
    const { subjects } = registry;
    await registry.apply(contractOf("shop.orders", { fields: ["x"], sort: ["id"] }));
    const [key, revision, day] = (jsonOf(first) as { readonly fields: readonly object[] }).fields;
    const schemaOf = (...fields: readonly unknown[]) => sent({ ...(jsonOf(first) as object), fields });
    const ticket = { name: "ticket", type: "long", aliases: ["id"] };
    const note = { name: "note", type: ["null", "string"], default: null, aliases: ["x"] };
    const next = schemaOf(ticket, revision, day, note);
    assert.deepEqual(await subjects.check("shop.orders-value", next, "latest"), []);
    const registered = await subjects.register("shop.orders-value", next);
    const { contract, schemaId } = await registry.require("shop.orders");
    assert.deepEqual([contract.key, contract.sort, schemaId], [["ticket"], ["ticket"], registered.id]);
    const refused: readonly (readonly [ReturnType<typeof sent>, Code, RegExp])[] = [
      [schemaOf(ticket, revision, day), "contract.incompatible", /Field note is gone, and the declaration does not say so/],
      [schemaOf(ticket, revision, day, { ...note, aliases: [] }), "registry.incompatible", /note must keep the names that it had: "aliases": \["x"\]/],
      [schemaOf(ticket, revision, day, { ...note, name: "memo" }), "contract.incompatible", /name x is one of the field note/],
      [schemaOf({ ...ticket, type: "double" }, revision, day, note), "registry.incompatible", /key/],
    ];
    for (const [submitted, code, pattern] of refused) {
      await fails(subjects.register("shop.orders-value", submitted), code, pattern);
      assert.match((await subjects.check("shop.orders-value", submitted, "latest")).join(" "), pattern);
    }
    assert.deepEqual(await subjects.register("shop.orders-value", schemaOf(key, revision, day, optional("x"))), await subjects.version("shop.orders-value", 1));
    await subjects.settings.setLevel("shop.orders-value", "FULL_TRANSITIVE");
    const unread = schemaOf({ ...ticket, name: "number", aliases: ["ticket", "id"] }, revision, day, note);
    await fails(subjects.register("shop.orders-value", unread), "contract.incompatible", /Under FULL_TRANSITIVE/);
    assert.match((await subjects.check("shop.orders-value", unread, "latest")).join(" "), /Under FULL_TRANSITIVE/);
    // The version before can read it by its own alias; the first one, which cannot read today's records either, is not asked.
    const back = schemaOf({ ...ticket, name: "id", aliases: ["ticket"] }, revision, day, note);
    assert.deepEqual((await subjects.register("shop.orders-value", back)).version, 3);
  });

  test("is never deleted, and takes the levels that keep the table readable", async () => {
    await using stores = await createStores();
    await using registry = await stores.open();
    const { subjects } = registry;
    await registry.apply(first);
    for (const work of [() => subjects.remove("shop.orders-value"), () => subjects.removeVersion("shop.orders-value", 1)])
      await fails(work(), "registry.notPermitted", /dataset shop\.orders/);
    await fails(subjects.settings.setLevel("shop.orders-value", "NONE"), "registry.notPermitted");
    await subjects.settings.setLevel("shop.orders-value", "FULL_TRANSITIVE");
    assert.equal((await registry.require("shop.orders")).contract.compatibility, "FULL_TRANSITIVE");
    await subjects.settings.setLevel("shop.orders-value", undefined);
    assert.equal((await registry.require("shop.orders")).contract.compatibility, "BACKWARD_TRANSITIVE");
  });

  test("waits for its dataset with what was registered, and goes on from there", async () => {
    await using stores = await createStores();
    await using registry = await stores.open();
    const { subjects } = registry;
    await subjects.register("shop.orders-value", sent(jsonOf(first)));
    await subjects.register("shop.orders-value", sent(jsonOf(second)));
    assert.equal(await registry.get("shop.orders"), undefined);
    await fails(registry.require("shop.orders"), "registry.datasetUnknown", /waits for its contract/);
    for (const name of ["", "orders", "a".repeat(1_000), "shop.\u0000"]) await fails(registry.require(name), "registry.datasetUnknown");
    // A subject that names no dataset waits for none.
    const long = `s.${"b".repeat(190)}`;
    for (const subject of ["orders-value", "shop.orders-key", "1shop.orders-value", "_mainstem.orders-value", `${long}-value`])
      await subjects.register(subject, sent(jsonOf(first)));
    assert.deepEqual(await subjects.waiting(), [
      { name: long, subject: `${long}-value`, version: 1, schemaId: 1 },
      { name: "shop.orders", subject: "shop.orders-value", version: 2, schemaId: 2 },
    ]);
    await fails(registry.require(long), "registry.datasetUnknown", /waits for its contract/);
    await subjects.remove(`${long}-value`);
    await fails(registry.apply(first), "contract.incompatible", /It is version 1, which version 2 came after/);
    await fails(registry.apply(contractOf("shop.orders", { fields: ["y"] })), "contract.incompatible", /schema\.x: Field x of version 2 is gone/);
    await fails(
      registry.apply(contractOf("shop.orders", { key: ["day"], schema: withType(first, "id", "string") })),
      "contract.incompatible",
      /schema\.id: Field id was long/,
    );
    assert.equal(await registry.get("shop.orders"), undefined);
    const { dataset } = await registry.apply(third);
    assert.equal(dataset.schemaId, 3);
    assert.deepEqual(await subjects.waiting(), []);
    assert.deepEqual(
      (await subjects.versions("shop.orders-value")).map(({ version, id: schemaId }) => [version, schemaId]),
      [
        [1, 1],
        [2, 2],
        [3, 3],
      ],
    );
    assert.equal((await subjects.register("shop.orders-value", sent(jsonOf(contractOf("shop.orders", { fields: ["x", "y", "z"] }))))).version, 4);
  });

  test("what no dataset can have as its schema is deleted, and then there can be one", async () => {
    await using stores = await createStores();
    await using registry = await stores.open();
    const { subjects } = registry;
    await subjects.register("shop.orders-value", sent("long"));
    await fails(registry.apply(first), "contract.incompatible", /can also be deleted/);
    assert.deepEqual(await subjects.remove("shop.orders-value"), [1]);
    assert.equal((await registry.apply(first)).kind, "created");
    assert.deepEqual(numbers(await subjects.versions("shop.orders-value")), [2]);
  });

  test("nothing comes between the claim of its subject and the dataset, and a crash between them is finished by whoever comes", async () => {
    const without = contractOf("shop.orders", { fields: ["y"] });
    for (const survives of [true, false]) {
      await using stores = await createStores();
      await using other = await stores.open();
      const { definitions } = stores.state;
      let between = 0;
      const put: typeof definitions.put = async (next, expected) => {
        if (next.kind === "dataset" && between++ === 0) {
          // Each of these would be taken of a subject without a dataset.
          await fails(other.subjects.register("shop.orders-value", sent(jsonOf(without))), "contract.incompatible", /x is gone/);
          await fails(other.subjects.remove("shop.orders-value"), "registry.notPermitted");
          if (!survives) throw new Error("killed");
        }
        return await definitions.put(next, expected);
      };
      await using registry = await stores.open({ state: { ...stores.state, definitions: { ...definitions, put } } });
      await registry.subjects.register("shop.orders-value", sent(jsonOf(first)));
      const applied = registry.apply(second, { provenance: "commit 1" });
      if (survives) await applied;
      else await assert.rejects(applied, /killed/);
      assert.ok(between > 0);
      assert.deepEqual((await other.require("shop.orders")).contract, second);
      assert.deepEqual(
        (await other.history("shop.orders")).map(({ provenance }) => provenance),
        ["commit 1"],
      );
      assert.deepEqual(numbers(await other.subjects.versions("shop.orders-value")), [1, 2]);
    }
  });

  test("the claim of another is finished before one's own contract is judged", async () => {
    await using stores = await createStores();
    const { definitions } = stores.state;
    const put: typeof definitions.put = async (next, expected) => {
      if (next.kind === "dataset") throw new Error("killed");
      return await definitions.put(next, expected);
    };
    {
      await using registry = await stores.open({ state: { ...stores.state, definitions: { ...definitions, put } } });
      await assert.rejects(registry.apply(first), /killed/);
    }
    await using registry = await stores.open();
    const { kind, dataset } = await registry.apply(third);
    assert.deepEqual([kind, dataset.version, dataset.contract], ["changed", 2, third]);
    assert.deepEqual(numbers(await registry.subjects.versions("shop.orders-value")), [1, 2]);
  });

  test("a lost state is made anew from the objects: subjects, settings and ids", async () => {
    await using folder = await createFolder();
    const look = async ({ subjects }: Registry) => [
      await subjects.all({ deleted: true }),
      await subjects.settings.level("a/b"),
      await subjects.settings.mode(undefined),
    ];
    let expected: readonly unknown[] = [];
    {
      await using stores = await openStores(folder.path);
      await using registry = await stores.open();
      const { subjects } = registry;
      await registry.apply(first);
      await subjects.register("a/b", sent("int"));
      await subjects.register("a/b", sent("long"));
      await subjects.removeVersion("a/b", 1);
      await subjects.settings.setLevel("a/b", "FULL");
      await subjects.settings.setMode(undefined, "READONLY");
      expected = await look(registry);
    }
    await loseState(folder.path);
    await using stores = await openStores(folder.path);
    await using registry = await stores.open();
    assert.deepEqual(await look(registry), expected);
    assert.ok(expected.length === 3 && (expected[0] as readonly unknown[]).length === 3);
  });

  test("a damaged definition is named", async () => {
    await using stores = await createStores();
    await using registry = await stores.open();
    await stores.state.definitions.put({ kind: "subject", name: "broken", spec: { versions: [{}] }, appliedAt: 0 }, "absent");
    await fails(registry.subjects.versions("broken"), "state.corrupt", /broken/);
  });
});

function withType({ schema }: Contract, name: string, type: unknown): unknown {
  const json = toSchemaJson(schema) as { readonly fields: readonly { readonly name: string }[] };
  return { ...json, fields: json.fields.map((field) => (field.name === name ? { ...field, type } : field)) };
}

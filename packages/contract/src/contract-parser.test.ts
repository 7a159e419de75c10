import assert from "node:assert/strict";
import { test } from "node:test";
import type { Issue } from "./avro/schema.ts";
import { formatContract } from "./contract-json.ts";
import { parseContract } from "./contract-parser.ts";
import { ContractError } from "./errors.ts";
import { formatExact } from "./exact-json.ts";
import { everyKind, everyKindJson } from "./testing/samples.ts";

function refusalOf(json: unknown): { readonly code: string; readonly issues: readonly Issue[]; readonly message: string } {
  try {
    parseContract(json);
  } catch (error) {
    assert.ok(error instanceof ContractError, String(error));
    return { code: error.code, issues: error.facts["issues"] as readonly Issue[], message: error.message };
  }
  return assert.fail("the contract was taken");
}
const json = (change: object, fields: readonly unknown[] = []) => ({
  name: "shop.orders",
  schema: {
    type: "record",
    name: "orders",
    namespace: "shop",
    fields: [
      { name: "id", type: "string" },
      { name: "at", type: { type: "long", logicalType: "timestamp-micros" } },
      { name: "price", type: "double" },
      { name: "note", type: ["null", "string"] },
      ...fields,
    ],
  },
  key: ["id"],
  order: ["at"],
  ...change,
});
const placesOf = (declared: unknown) => refusalOf(declared).issues.map((issue) => issue.path);

test("the JSON form comes back as it was, with its defaults written out", () => {
  const { schema: _, ...stored } = formatContract(everyKind);
  assert.deepEqual(stored, {
    formatVersion: 1,
    name: "test.all",
    description: "One field of every kind.",
    owner: "nobody",
    key: ["id"],
    order: ["revision"],
    merge: { kind: "latest" },
    partition: [],
    immutable: false,
    sort: [],
    checks: [],
    compatibility: "BACKWARD_TRANSITIVE",
    tags: [],
  });
  const text = JSON.stringify(formatContract(everyKind));
  assert.deepEqual(parseContract(JSON.parse(text)), everyKind);
  assert.equal(JSON.stringify(formatContract(parseContract(JSON.parse(text)))), text);
});

test("a contract is plain data: it can be sent to a thread, and stored as it is", () => {
  assert.deepEqual(structuredClone(everyKind), everyKind);
  assert.deepEqual(parseContract(JSON.parse(JSON.stringify(everyKind))), everyKind);
  assert.deepEqual(parseContract(everyKindJson), everyKind);
});

test("all faults are named at once", () => {
  const declared = json({
    name: "orders",
    formatVersion: 2,
    owner: 7,
    colour: "red",
    key: ["id", "id", "price", "nothing"],
    order: [],
    merge: { kind: "sum" },
    partition: [{ field: "price", transform: "day" }],
    checks: [{ kind: "sum", field: "id" }],
    immutable: "yes",
  });
  assert.deepEqual(placesOf(declared).sort(), [
    "checks[0].field",
    "colour",
    "formatVersion",
    "immutable",
    "key[1]",
    "key[2]",
    "key[3]",
    "merge",
    "name",
    "order",
    "owner",
    "partition[0].field",
  ]);
  assert.match(refusalOf(declared).message, /and 11 more/);
});

test("a schema that no table can hold is refused with what to declare instead", () => {
  const fieldsOf = (type: unknown): object => json({}, [{ name: "x", type }]);
  const node = { type: "record", name: "node", fields: [{ name: "next", type: ["null", "node"], default: null }] };
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [["string", "int"], /nullable field for each case/],
    [["null", "string", "int"], /nullable field for each case/],
    [{ type: "array", items: ["string", "int"] }, /nullable field for each case/],
    [node, /Give each level a record of its own name, or make each node a record/],
    [{ type: "map", values: node }, /names its parent's key/],
  ];
  for (const [type, says] of cases) {
    const refusal = refusalOf(fieldsOf(type));
    assert.equal(refusal.code, "contract.unsupported", JSON.stringify(type));
    assert.match(refusal.message, says);
  }
});

test("what is right in itself but not supported yet has a code of its own", () => {
  for (const change of [{ retention: { archive: "90d" } }, { compatibility: "NONE" }, { formatVersion: 2 }]) {
    assert.equal(refusalOf(json(change)).code, "contract.unsupported", JSON.stringify(change));
  }
  assert.equal(refusalOf(json({ order: "log", key: [] })).code, "contract.invalid");
});

test("names are held to what topics, tables and Avro all take", () => {
  for (const name of ["orders", "a.b.c", "", ".x", "x.", "1a.b", "a.b-c", "_mainstem.x", "_mainstemx.y", `a.${"b".repeat(200)}`, 7])
    assert.ok(placesOf(json({ name })).includes("name"), String(name));
  assert.deepEqual(placesOf(json({ name: "shop.Orders" })), ["schema.name"]);
  assert.deepEqual(placesOf(json({}, [{ name: "_mainstem_x", type: "int" }])), ["schema.fields[4].name"]);
  assert.deepEqual(placesOf(json({}, [{ name: "NOTE", type: "int" }])), ["schema.fields[4].name"]);
});

test("types that a table or a proof cannot hold are refused with what to use", () => {
  const refused: readonly (readonly [unknown, string])[] = [
    [["string", "int"], "type"],
    [["null", "string", "int"], "type"],
    ["null", "type"],
    [{ type: "long", logicalType: "timestamp-nanos" }, "type.logicalType"],
    [{ type: "fixed", name: "d", size: 12, logicalType: "duration" }, "type.logicalType"],
    [{ type: "long", logicalType: "uuid" }, "type.logicalType"],
    [{ type: "string", logicalType: "colour" }, "type.logicalType"],
    [{ type: "string", logicalType: 7 }, "type.logicalType"],
    [{ type: "enum", name: "e", symbols: [] }, "type.symbols"],
    [{ type: "bytes", logicalType: "decimal", precision: 39 }, "type.precision"],
    [{ type: "fixed", name: "d", size: 2, logicalType: "decimal", precision: 5 }, "type.size"],
    [{ type: "fixed", name: "d", size: 0 }, "type.size"],
    [{ type: "record", name: "r", fields: [] }, "type.fields"],
    [
      {
        type: "record",
        name: "r",
        fields: [
          { name: "a", type: "int" },
          { name: "A", type: "int" },
        ],
      },
      "type.fields[1].name",
    ],
    [{ type: "array", items: ["int", "string"] }, "type.items"],
    [["null", { type: "map", values: { type: "int", logicalType: "colour" } }], "type[1].values.logicalType"],
    [{ type: "record", name: "r", aliases: ["q"], fields: [{ name: "a", type: "int" }] }, "type.aliases"],
  ];
  for (const [type, place] of refused) assert.equal(placesOf(json({}, [{ name: "x", type }]))[0], `schema.fields[4].${place}`, JSON.stringify(type));
  const inner = { type: "record", name: "r", fields: [{ name: "a", type: "int", aliases: ["b"] }] };
  assert.deepEqual(placesOf(json({}, [{ name: "x", type: inner }])), ["schema.fields[4].type.fields[0].aliases"]);
  assert.deepEqual(placesOf(json({}, [{ name: "x", type: "int", pii: "yes" }])), ["schema.fields[4].pii"]);
  assert.deepEqual(placesOf(json({}, [{ name: "x", type: "long", "mainstem.clock": "hlc" }])), ["schema.fields[4].mainstem.clock"]);
  parseContract(json({}, [{ name: "x", type: { type: "long", "mainstem.clock": "hlc" } }]));
  // Avro takes these words for attributes of the field, where they say nothing of its type.
  for (const word of [{ logicalType: "timestamp-micros" }, { precision: 9 }, { scale: 2 }, { items: "int" }])
    assert.deepEqual(placesOf(json({}, [{ name: "x", type: "long", ...word }])), [`schema.fields[4].${Object.keys(word)[0]}`]);
});

test("names of fields that are gone are names, each once, and no field's", () => {
  const { removed } = parseContract(json({ removed: ["b", { name: "a", place: 3 }, "A"] }));
  assert.deepEqual(removed, [{ name: "a", place: 3 }, { name: "A" }, { name: "b" }]);
  assert.equal(parseContract(json({ removed: [] })).removed, undefined);
  const faulty: readonly (readonly [unknown, string])[] = [
    ["a", "removed"],
    [["a b"], "removed[0]"],
    [["a", "a"], "removed[1]"],
    [["Note"], "removed[0]"],
    [[{ name: "a", place: 0 }], "removed[0]"],
    [[{ name: "a", place: 2, why: "" }], "removed[0].why"],
    [["a", { name: "b", place: 2 }, { name: "c", place: 2 }], "removed[2].place"],
  ];
  for (const [list, place] of faulty) assert.deepEqual(placesOf(json({ removed: list })), [place], JSON.stringify(list));
});

test("faults of the Avro schema itself are named with the rest", () => {
  const declared = { ...json({ key: "id" }), schema: { type: "record", name: "orders", namespace: "shop", fields: [{ name: "id", type: "strng" }] } };
  assert.deepEqual(placesOf(declared), ["schema.fields[0].type"]);
  for (const schema of [undefined, "string", { type: "array", items: "int" }, null])
    assert.ok(placesOf({ ...json({}), schema }).some((path) => path.startsWith("schema")));
});

test("keys, orders and partitions take only what they can compare, and nothing personal but a key", () => {
  const personal = [
    { name: "who", type: "string", pii: true },
    { name: "list", type: { type: "array", items: "int" } },
    { name: "e", type: { type: "enum", name: "e", symbols: ["A"] } },
  ];
  const place = (change: object) => placesOf(json(change, personal));
  assert.deepEqual(place({ key: ["price"] }), ["key[0]"]);
  assert.deepEqual(place({ key: ["note"] }), ["key[0]"]);
  assert.deepEqual(place({ key: ["list"] }), ["key[0]"]);
  assert.deepEqual(place({ key: "id" }), ["key"]);
  assert.deepEqual(place({ order: ["price"] }), ["order[0]"]);
  assert.deepEqual(place({ order: ["e"] }), ["order[0]"]);
  assert.deepEqual(place({ order: ["who"] }), ["order[0]"]);
  assert.deepEqual(place({ partition: [{ field: "who", transform: "identity" }] }), ["partition[0].field"]);
  for (const [item, message] of [
    [{ day: "at" }, /Write \{ "field": "at", "transform": "day" \} instead/],
    [{ bucket: "at" }, /Write \{ "field": "at", "transform": "bucket", "width": … \} instead/],
    [{ field: "at" }, /must be \{ "field": …, "transform": … \} with one of identity year/],
    ["day(at)", /must be \{ "field": …, "transform": … \}/],
    [null, /must be \{ "field": …, "transform": … \}/],
  ] as const)
    assert.throws(() => parseContract(json({ partition: [item] }, personal)), { message });
  assert.deepEqual(place({ partition: [{ field: "at", transform: "bucket" }] }), ["partition[0].width"]);
  assert.deepEqual(place({ partition: [{ field: "at", transform: "day", width: 2 }] }), ["partition[0].width"]);
  assert.deepEqual(
    place({
      partition: [
        { field: "at", transform: "day" },
        { field: "at", transform: "day" },
      ],
    }),
    ["partition[1]"],
  );
  assert.deepEqual(place({ partition: [{ field: "at", transform: "week" }] }), ["partition[0].transform"]);
  assert.deepEqual(place({ partition: [{ field: "at", transform: "day", extra: 1 }] }), ["partition[0].extra"]);
  assert.equal(parseContract(json({ key: ["who", "e"], partition: [{ field: "note", transform: "truncate", width: 3 }] }, personal)).partition[0]?.width, 3);
});

test("checks are held to their fields", () => {
  const nested = [
    { name: "home", type: ["null", { type: "record", name: "home", fields: [{ name: "zip", type: "string" }] }] },
    { name: "size", type: "int", default: 0 },
  ];
  const bad: readonly (readonly [unknown, string])[] = [
    [{ kind: "sum", field: "id" }, "checks[0].field"],
    [{ kind: "sum", field: "nothing" }, "checks[0].field"],
    [{ kind: "sum", field: "home.zip" }, "checks[0].field"],
    [{ kind: "range", field: "price" }, "checks[0]"],
    [{ kind: "range", field: "price", min: "x" }, "checks[0].min"],
    [{ kind: "range", field: "price", min: 2, max: 1 }, "checks[0]"],
    [{ kind: "range", field: "at", max: "2026-11-21" }, "checks[0].max"],
    [{ kind: "range", field: "size", min: 1 }, "checks[0]"],
    [{ kind: "length", field: "price", min: 1 }, "checks[0].field"],
    [{ kind: "length", field: "id", min: 2, max: 1 }, "checks[0]"],
    [{ kind: "oneOf", field: "price", values: [1] }, "checks[0].field"],
    [{ kind: "oneOf", field: "id", values: [1] }, "checks[0].values"],
    [{ kind: "oneOf", field: "id", values: [2n ** 60n] }, "checks[0].values"],
    [{ kind: "oneOf", field: "id", values: [] }, "checks[0].values"],
    [{ kind: "matches", field: "id", pattern: "(" }, "checks[0].pattern"],
    [{ kind: "matches", field: "id", pattern: "^(a+)+$" }, "checks[0].pattern"],
    [{ kind: "matches", field: "id", pattern: `${"(?:|)".repeat(150)}x` }, "checks[0].pattern"],
    [{ kind: "matches", field: "id", pattern: 1 }, "checks[0].pattern"],
    [{ kind: "matches", field: "at", pattern: "x" }, "checks[0].field"],
    [{ kind: "freshness", within: "soon" }, "checks[0].within"],
    [{ kind: "volume", within: "1h", min: -1 }, "checks[0]"],
    [{ kind: "volume", within: "1h", min: 2, max: 1 }, "checks[0]"],
    [{ kind: "notNull", field: "note", why: "because" }, "checks[0].why"],
    [{ kind: "magic" }, "checks[0].kind"],
    ["sum", "checks[0].kind"],
  ];
  for (const [check, place] of bad) assert.deepEqual(placesOf(json({ checks: [check] }, nested)), [place], formatExact(check));
  const good = [
    { kind: "sum", field: "price" },
    { kind: "notNull", field: "home.zip" },
    { kind: "range", field: "at", min: "2026-11-21T00:00:00Z", below: 1_900_000_000_000_000 },
    { kind: "length", field: "home.zip", min: 5 },
    { kind: "matches", field: "home.zip", pattern: "^\\p{L}+$" },
    { kind: "oneOf", field: "size", values: [0, "7"] },
    { kind: "volume", within: "1h", min: 0, max: 5 },
    { kind: "freshness", within: "15m" },
  ];
  assert.deepEqual(parseContract(json({ checks: good }, nested)).checks, good);
});

test("checks that no value of their field can pass together are refused, with those that contradict them", () => {
  const fields = [
    { name: "size", type: ["null", "int"], default: null },
    { name: "level", type: { type: "enum", name: "level", symbols: ["low", "high"] } },
    { name: "ratio", type: "double" },
    { name: "sum", type: { type: "bytes", logicalType: "decimal", precision: 9, scale: 2 } },
    { name: "tags", type: { type: "array", items: "string" } },
  ];
  const range = (field: string, bounds: object) => ({ kind: "range", field, ...bounds });
  const oneOf = (field: string, values: readonly unknown[]) => ({ kind: "oneOf", field, values });
  const bad: readonly (readonly [readonly unknown[], string, RegExp])[] = [
    [
      [range("size", { min: 5 }), range("size", { max: 3 })],
      "checks[1]",
      /^No value of size \(int\) can pass this check together with checks\[0\]: widen one of them/,
    ],
    [[range("size", { min: 5, max: 4 })], "checks[0]", /^No value of size \(int\) can pass this check: widen it,/],
    [[range("size", { min: 3, below: 3 })], "checks[0]", /can pass this check:/],
    [[range("size", { above: 3, below: 4 })], "checks[0]", /can pass this check:/],
    [[range("sum", { above: "1.00", below: "1.01" })], "checks[0]", /can pass this check:/],
    [[range("ratio", { above: 0.5, max: 0.5 })], "checks[0]", /can pass this check:/],
    [[range("size", { min: 5 }), oneOf("size", [1, "2"])], "checks[1]", /together with checks\[0\]/],
    [[oneOf("id", ["a", "b"]), oneOf("id", ["c"])], "checks[1]", /together with checks\[0\]/],
    [[oneOf("id", ["a", "b"]), { kind: "matches", field: "id", pattern: "^c" }], "checks[0]", /together with checks\[1\]/],
    [
      [
        { kind: "length", field: "tags", min: 3 },
        { kind: "length", field: "tags", max: 2 },
      ],
      "checks[1]",
      /together with checks\[0\]/,
    ],
    [[oneOf("level", ["low", "hihg"])], "checks[0].values", /^level has no symbol hihg; it has low high\.$/],
  ];
  for (const [checks, place, sentence] of bad) {
    const { issues } = refusalOf(json({ checks }, fields));
    assert.deepEqual(
      issues.map(({ path }) => path),
      [place],
      JSON.stringify(checks),
    );
    assert.match(issues[0]?.message ?? "", sentence);
  }
  const good = [
    range("size", { min: 5 }),
    range("size", { max: 5 }),
    range("sum", { above: "1.00", below: "1.02" }),
    range("ratio", { above: 0.5, below: 0.6 }),
    range("ratio", { min: 0.55, max: 0.55 }),
    oneOf("size", [1, 5]),
    oneOf("level", ["high"]),
    { kind: "length", field: "tags", min: 2 },
    { kind: "length", field: "tags", max: 2 },
  ];
  assert.equal(parseContract(json({ checks: good }, fields)).checks.length, good.length);
});

test("a range that leaves no value of its field's type is refused, one that leaves the last is not", () => {
  const long = (logicalType: string) => ({ type: "long", logicalType });
  const types: readonly (readonly [unknown, number | string, number | string])[] = [
    ["int", -(2 ** 31), 2 ** 31 - 1],
    [["null", "int"], -(2 ** 31), 2 ** 31 - 1],
    ["long", "-9223372036854775808", "9223372036854775807"],
    ["float", -3.4028235677973362e38, 3.4028235677973362e38],
    ["double", -Number.MAX_VALUE, Number.MAX_VALUE],
    [{ type: "bytes", logicalType: "decimal", precision: 5, scale: 2 }, "-999.99", "999.99"],
    [{ type: "bytes", logicalType: "decimal", precision: 2, scale: 2 }, "-0.99", "0.99"],
    [{ type: "int", logicalType: "date" }, "0001-01-01", "9999-12-31"],
    [{ type: "int", logicalType: "time-millis" }, "00:00", "23:59:59.999"],
    [long("time-micros"), "00:00", "23:59:59.999999"],
    [long("timestamp-millis"), "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"],
    [long("timestamp-micros"), "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"],
    [long("local-timestamp-millis"), "0001-01-01T00:00:00", "9999-12-31T23:59:59.999"],
    [long("local-timestamp-micros"), "0001-01-01T00:00:00", "9999-12-31T23:59:59.999999"],
  ];
  for (const [type, least, greatest] of types) {
    const withRange = (bounds: object) => json({ checks: [{ kind: "range", field: "n", ...bounds }] }, [{ name: "n", type }]);
    for (const bounds of [{ min: greatest }, { max: least }, { min: least, max: greatest }]) parseContract(withRange(bounds));
    for (const bounds of [{ above: greatest }, { below: least }]) {
      const { issues } = refusalOf(withRange(bounds));
      assert.deepEqual(
        issues.map(({ path }) => path),
        ["checks[0]"],
        JSON.stringify([type, bounds]),
      );
      assert.match(issues[0]?.message ?? "", /^No value of n \(\w+\) can pass this check: widen it, or leave it out\.$/);
    }
  }
  assert.match(
    refusalOf(json({ checks: [{ kind: "range", field: "n", min: 3_000_000_000 }] }, [{ name: "n", type: "int" }])).issues[0]?.message ?? "",
    /^No value of n \(int\)/,
  );
});

test("what is no contract at all is refused", () => {
  for (const value of [null, undefined, 7, "x", [], {}]) assert.ok(refusalOf(value).issues.length > 0);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { everyKind } from "../testing/samples.ts";
import { parseContract } from "../contract-parser.ts";
import type { ContractError } from "../errors.ts";
import { fromOdcs, isOdcs, type OdcsDataset } from "./odcs-reader.ts";
import { toOdcs } from "./odcs-writer.ts";

type Draft = Record<string, unknown>;
interface File extends Draft {
  readonly schema: readonly { readonly properties: readonly Draft[]; customProperties: readonly Draft[] }[];
}

function exported(): File {
  return JSON.parse(JSON.stringify(toOdcs(everyKind))) as File;
}

function property(file: File, name: string): Draft {
  return file.schema[0]?.properties.find((one) => one["name"] === name) as Draft;
}

test("refuses words that were edited beside a type that was not", () => {
  const file = exported();
  property(file, "code")["required"] = false;
  assert.throws(() => fromOdcs(file), {
    code: "contract.invalid",
    message: /schema\[0\]\.properties\[\d+\]: required of code say something else than its mainstem\.avro/,
  });
});

test("takes what was edited in the standard's words", () => {
  const file = exported();
  property(file, "label")["logicalTypeOptions"] = { maxLength: 20 };
  property(file, "day")["description"] = "The day.";
  const [edited] = fromOdcs(file);
  assert.deepEqual(edited?.contract["checks"], [{ kind: "length", field: "label", max: 20 }]);
  const { fields } = edited.contract["schema"] as { readonly fields: readonly Draft[] };
  assert.equal(fields.find(({ name }) => name === "day")?.["doc"], "The day.");
});

test("a check that is no longer said in the standard's words is gone", () => {
  const file = JSON.parse(
    JSON.stringify(
      toOdcs({
        ...everyKind,
        checks: [
          { kind: "sum", field: "count" },
          { kind: "notNull", field: "email" },
          { kind: "freshness", within: "15m" },
        ],
      }),
    ),
  );
  assert.deepEqual(fromOdcs(file)[0]?.contract["checks"], [
    { kind: "sum", field: "count" },
    { kind: "notNull", field: "email" },
    { kind: "freshness", within: "15m" },
  ]);
  property(file as File, "email")["quality"] = [];
  delete (file as Draft)["slaProperties"];
  assert.deepEqual(fromOdcs(file)[0]?.contract["checks"], [{ kind: "sum", field: "count" }]);
});

/** Reads a file with these properties and a key, as an object with the name `shop.orders`. */
function readProperties(properties: readonly Draft[], document: Draft = {}): OdcsDataset {
  const id = { name: "id", logicalType: "string", primaryKey: true };
  const [read, ...others] = fromOdcs({
    kind: "DataContract",
    apiVersion: "v3.1.0",
    schema: [{ name: "orders", physicalName: "shop.orders", properties: [...properties, id] }],
    ...document,
  });
  assert.equal(others.length, 0);
  assert.ok(read);
  return read;
}
function fieldsOf({ contract }: OdcsDataset): readonly Draft[] {
  return (contract["schema"] as { readonly fields: readonly Draft[] }).fields;
}
/** Without that the order is missing. */
function notesOf({ notes }: OdcsDataset): readonly string[] {
  return notes.filter(({ path }) => path !== "order").map(({ path, message }) => `${path}: ${message}`);
}

test("a time without a zone is no instant, whatever digits its type says, and what is guessed is noted", () => {
  const instant = "timestamp-micros";
  const wall = "local-timestamp-micros";
  const guess = "v: Nothing says whether its times have a zone";
  const format = "v: Not carried over: format";
  const hours = "v: A date with a time of day became a timestamp.";
  const cases: readonly (readonly [Draft, string, readonly string[]])[] = [
    [{ logicalType: "timestamp", physicalType: "TIMESTAMP_NTZ" }, wall, []],
    [{ logicalType: "timestamp", physicalType: "TIMESTAMP_NTZ(6)" }, wall, []],
    [{ logicalType: "timestamp", physicalType: "timestamp(6) without time zone" }, wall, []],
    [{ logicalType: "timestamp", physicalType: "timestamp (3) without time zone" }, wall, []],
    [{ logicalType: "timestamp", physicalType: "TIMESTAMP_LTZ(9)" }, instant, ["v: Of the 9 digits of its seconds there are 6 left."]],
    [{ logicalType: "timestamp", physicalType: "timestamp(3) with time zone" }, instant, []],
    [{ logicalType: "timestamp", physicalType: "timestamptz(3)", logicalTypeOptions: { timezone: false } }, instant, ["v: Its physicalType counts"]],
    [{ logicalType: "timestamp", physicalType: "timestamp(6)" }, instant, [guess]],
    [{ logicalType: "timestamp", physicalType: "timestamp(6)", logicalTypeOptions: { timezone: true } }, instant, []],
    [{ logicalType: "timestamp", logicalTypeOptions: { timezone: false } }, wall, []],
    [{ physicalType: "TIMESTAMP" }, instant, [guess]],
    [{ logicalType: "date", physicalType: "TIMESTAMP" }, instant, [hours, guess]],
    [{ logicalType: "date", physicalType: "TIMESTAMP(6)", logicalTypeOptions: { timezone: false } }, wall, [hours]],
    [{ logicalType: "date", physicalType: "TIMESTAMP_TZ" }, instant, []],
    [{ logicalType: "date", physicalType: "TIMESTAMP_NTZ", logicalTypeOptions: { format: "yyyy-MM-dd HH:mm:ss" } }, wall, [format]],
    [{ logicalType: "date", logicalTypeOptions: { format: "yyyy-MM-dd HH:mm:ss" } }, instant, [hours, guess, format]],
    [
      { logicalType: "date", physicalType: "date", logicalTypeOptions: { format: "yyyy-MM-dd'T'HH:mm:ssX" } },
      instant,
      ['v: The physicalType "date"', hours, format],
    ],
    [{ logicalType: "date", logicalTypeOptions: { format: "yyyy-MM-dd" } }, "date", []],
    [{ physicalType: "time(6)" }, "time-micros", []],
  ];
  for (const [words, logicalType, notes] of cases) {
    const read = readProperties([{ name: "v", required: true, ...words }]);
    const text = JSON.stringify(words);
    assert.deepEqual(fieldsOf(read)[0]?.["type"], { type: logicalType === "date" ? "int" : "long", logicalType }, text);
    const said = notesOf(read);
    assert.ok(notes.length === said.length && notes.every((note, index) => said[index]?.startsWith(note)), `${text} ${said.join(" ")}`);
  }
});

test("whole and floating numbers have the sizes that their formats say", () => {
  const options = (logicalType: string, format: string, more: Draft = {}) => ({
    name: "v",
    required: true,
    logicalType,
    logicalTypeOptions: { format, ...more },
  });
  const field = "v";
  const cases: readonly (readonly [Draft, string, readonly unknown[]])[] = [
    [options("integer", "u8"), "int", [{ kind: "range", field, min: 0, max: 255 }]],
    [options("integer", "i16", { minimum: -40_000, exclusiveMaximum: 7 }), "int", [{ kind: "range", field, min: -32_768, max: 32_767, below: 7 }]],
    [options("integer", "u32", { minimum: 5 }), "long", [{ kind: "range", field, min: 5, max: 4_294_967_295 }]],
    [options("integer", "i64"), "long", []],
    [options("number", "f32"), "float", []],
    [options("number", "f64"), "double", []],
  ];
  for (const [words, type, checks] of cases) {
    const read = readProperties([words]);
    assert.deepEqual([fieldsOf(read)[0]?.["type"], read.contract["checks"], notesOf(read)], [type, checks, []]);
  }
  for (const format of ["u64", "i128"])
    assert.throws(() => readProperties([options("integer", format)]), {
      code: "contract.unsupported",
      message: /properties\[0\]\.logicalTypeOptions\.format: Whole numbers of \w+ have no Avro type/,
    });
  assert.ok(readProperties([{ ...options("integer", "u64"), physicalType: "decimal(20, 0)" }]));
});

test("a logical type is read in any case of letters, and what is none is refused", () => {
  const read = readProperties([
    { name: "a", required: true, logicalType: "INTEGER" },
    { name: "b", required: true, properties: [{ name: "c", required: true, logicalType: "String" }] },
  ]);
  assert.deepEqual(
    fieldsOf(read)
      .map(({ type }) => type)
      .slice(0, 2),
    ["long", { type: "record", name: "orders_b", fields: [{ name: "c", type: "string" }] }],
  );
  assert.throws(() => readProperties([{ name: "a", logicalType: "constructor", logicalTypeOptions: { format: "toString" } }]), { code: "contract.invalid" });
  assert.throws(() => readProperties([{ name: "a", logicalType: "array", items: { logicalType: "text" } }]), {
    code: "contract.invalid",
    message: /schema\[0\]\.properties\[0\]\.items\.logicalType: There is no logicalType "text"; there are string date/,
  });
});

test("a custom property that is called as ours and is none is refused", () => {
  const slip = (name: string) => ({ customProperties: [{ property: name, value: ["at"] }] });
  const message = (at: string, name: string) => ({ code: "contract.invalid", message: new RegExp(`${at}customProperties: There is no "mainstem\\.${name}"`) });
  assert.throws(() => readProperties([{ name: "a", logicalType: "string", ...slip("mainstem.avr") }]), message("schema\\[0\\]\\.properties\\[0\\]\\.", "avr"));
  assert.throws(
    () =>
      readProperties([], {
        schema: [{ name: "orders", physicalName: "shop.orders", properties: [{ name: "id", logicalType: "string" }], ...slip("mainstem.ordr") }],
      }),
    message("schema\\[0\\]\\.", "ordr"),
  );
  assert.throws(() => readProperties([], slip("mainstem.order")), message("", "order"));
});

test("personal data within an array stays marked", () => {
  const mark = { logicalType: "string", classification: "pii" };
  const read = readProperties([
    { name: "mails", logicalType: "array", items: mark },
    { name: "grid", logicalType: "array", items: { logicalType: "array", items: { ...mark } } },
    { name: "plain", logicalType: "array", items: { logicalType: "string" } },
  ]);
  assert.deepEqual(
    fieldsOf(read).map(({ pii }) => pii),
    [true, true, undefined, undefined],
  );
});

test("every value that is not read is noted", () => {
  const symbols = { name: "symbols", metric: "invalidValues", mustBe: 0, arguments: { validValues: ["x"] } };
  const cases: readonly (readonly [Draft, readonly string[]])[] = [
    [{ logicalType: "string", logicalTypeOptions: { format: "email" } }, ['v: Not carried over: format "email".']],
    [{ logicalType: "string", tags: ["uid", "PII"] }, ['v: Not carried over: tags ["uid"].']],
    [
      { logicalType: "string", customProperties: [{ property: "business-key", value: 1 }] },
      ['v: Custom properties that are not carried over: "business-key".'],
    ],
    [
      { logicalType: "string", physicalType: "varchar(18)" },
      ["v: The length of varchar(18) is not carried over; to have it checked say logicalTypeOptions: { maxLength: 18 }."],
    ],
    [{ logicalType: "string", physicalType: "varchar(18)", logicalTypeOptions: { maxLength: 18 } }, []],
    [{ logicalType: "string", physicalType: "bigint" }, ['v: The physicalType "bigint" is not carried over.']],
    [{ logicalType: "string", properties: [{ name: "a" }] }, ["v: Not carried over: properties, which are for an object."]],
    [{ logicalType: "array" }, ["v: An array without items became one of texts."]],
    [
      { logicalType: "array", items: { logicalType: "string", description: "d", logicalTypeOptions: { minLength: 1 } } },
      ["v[]: Not carried over: description.", "v[]: Checks of what an array holds are not carried over: length."],
    ],
    [
      { logicalType: "array", items: { logicalType: "object", properties: [{ name: "a", logicalType: "string", unique: true }] } },
      ["v[].a: Checks of what an array holds are not carried over: unique."],
    ],
    [{ logicalType: "object", properties: [{ name: "a", logicalType: "string", primaryKey: true }] }, ["v.a: Not carried over: primaryKey."]],
    [
      { logicalType: "string", quality: [{ rule: "validValues", type: "library", validValues: ["a"] }] },
      ['v: The quality rule "validValues" has no form as a check.'],
    ],
    [
      { logicalType: "string", quality: [{ metric: "duplicateValues", mustBe: 0, severity: "error" }] },
      ['v: Not carried over of the rule "duplicateValues": severity.'],
    ],
    [
      {
        logicalType: "string",
        physicalType: "string",
        required: true,
        tags: ["uid"],
        customProperties: [{ property: "mainstem.avro", value: { name: "v", type: "string" } }],
      },
      ['v: Not carried over: tags ["uid"].'],
    ],
    [{ logicalType: "boolean", logicalTypeOptions: { pattern: "t" } }, ['v: Not carried over: pattern "t".']],
  ];
  for (const [words, notes] of cases) assert.deepEqual(notesOf(readProperties([{ name: "v", ...words }])), notes, JSON.stringify(words));
  assert.deepEqual(readProperties([{ name: "v", logicalType: "string", quality: [symbols] }]).contract["checks"], [
    { kind: "oneOf", field: "v", values: ["x"] },
  ]);
  const document = {
    description: { purpose: "p", usage: "u", limitations: null },
    team: { name: "t", members: [{ username: "a" }] },
    customProperties: [{ property: "ruleset", value: 1 }],
    slaProperties: [{ property: "latency", value: 4, unit: "d", element: "elsewhere.at" }],
  };
  const read = readProperties([], document);
  assert.equal(read.contract["description"], "p");
  assert.deepEqual(notesOf(read), [
    ': Custom properties that are not carried over: "ruleset".',
    "description: Not carried over of the description: usage.",
    "owner: 1 members of the team are not carried over.",
    "slaProperties: The latency is not carried over.",
  ]);
});

test("what may be null, and a rule says is not, has no default that is null", () => {
  const read = readProperties([{ name: "v", logicalType: "string", quality: [{ metric: "nullValues", mustBe: 0 }] }]);
  assert.deepEqual(fieldsOf(read)[0], { name: "v", type: ["null", "string"] });
  assert.deepEqual(parseContract({ ...read.contract, order: ["id"] }).checks, [{ kind: "notNull", field: "v" }]);
});

test("the lengths and patterns of what is no text are noted", () => {
  const read = readProperties([
    { name: "session", logicalType: "string", logicalTypeOptions: { format: "uuid", maxLength: 36, pattern: "^[0-9a-f-]+$" } },
    { name: "blob", logicalType: "string", logicalTypeOptions: { format: "binary", maxLength: 64 } },
  ]);
  assert.deepEqual(read.contract["checks"], []);
  assert.deepEqual(notesOf(read), ['session: Not carried over: maxLength 36, pattern "^[0-9a-f-]+$".', "blob: Not carried over: maxLength 64."]);
});

test("bounds are read in the words of 3.0 and 3.1, and as times are written in files", () => {
  const bounded = (logicalType: string, logicalTypeOptions: Draft, physicalType?: string) =>
    readProperties([{ name: "v", logicalType, logicalTypeOptions, physicalType }]).contract["checks"];
  const field = "v";
  assert.deepEqual(bounded("integer", { minimum: 1, exclusiveMinimum: true, maximum: 9, exclusiveMaximum: false }), [
    { kind: "range", field, max: 9, above: 1 },
  ]);
  assert.deepEqual(bounded("number", { exclusiveMinimum: 0 }), [{ kind: "range", field, above: 0 }]);
  assert.deepEqual(bounded("number", { minimum: 0, maximum: 0.5 }, "decimal(9, 2)"), [{ kind: "range", field, min: 0, max: 0.5 }]);
  assert.deepEqual(bounded("timestamp", { minimum: "2020-01-01 00:00:00", maximum: "2021-01-01 00:00:00+10:00" }), [
    { kind: "range", field, min: "2020-01-01T00:00:00Z", max: "2021-01-01T00:00:00+10:00" },
  ]);
  assert.deepEqual(bounded("timestamp", { minimum: "2020-01-01 00:00:00", timezone: false }), [{ kind: "range", field, min: "2020-01-01T00:00:00" }]);
});

test("a check that its field does not take is named where the file says it", () => {
  const options = (logicalType: string, logicalTypeOptions: Draft) => ({ name: logicalType, logicalType, logicalTypeOptions });
  const nested = { name: "home", logicalType: "object", properties: [options("string", { pattern: "(" })] };
  const rule = { metric: "invalidValues", mustBe: 0, arguments: { validValues: ["a"] } };
  const properties = [
    options("integer", { exclusiveMinimum: true }),
    options("string", { pattern: "(?i)abc", minLength: 3, maxLength: 2 }),
    nested,
    { name: "flag", logicalType: "boolean", quality: [{ metric: "rowCount" }, rule] },
    options("timestamp", { minimum: "2020-01-01 00:00:00", defaultTimezone: "Europe/Berlin" }),
  ];
  assert.throws(
    () => readProperties(properties),
    (error: ContractError) => {
      assert.deepEqual(
        (error.facts["issues"] as readonly { readonly path: string }[]).map(({ path }) => path),
        [
          "schema[0].properties[0].logicalTypeOptions.exclusiveMinimum",
          "schema[0].properties[1].logicalTypeOptions",
          "schema[0].properties[1].logicalTypeOptions.pattern",
          "schema[0].properties[2].properties[0].logicalTypeOptions.pattern",
          "schema[0].properties[3].quality[1]",
          "schema[0].properties[4].logicalTypeOptions.minimum",
        ],
      );
      return true;
    },
  );
  assert.throws(() => readProperties([{ ...options("string", { maxLength: 3 }), quality: [rule, { ...rule, arguments: { validValues: ["b"] } }] }]), {
    message:
      /schema\[0\]\.properties\[0\]\.quality\[1\]: No value of string \(string\) can pass this check together with .*schema\[0\]\.properties\[0\]\.quality\[0\]/,
  });
});

test("names what is no ODCS file of a version that is read", () => {
  assert.equal(isOdcs({ name: "shop.orders" }), false);
  assert.throws(() => fromOdcs({ name: "shop.orders" }), { code: "contract.invalid", message: /kind: DataContract/ });
  assert.throws(() => fromOdcs({ ...exported(), apiVersion: "v2.2.2" }), { code: "contract.unsupported", message: /ODCS v3/ });
  assert.throws(() => fromOdcs({ ...exported(), schema: [] }), { code: "contract.invalid", message: /schema/ });
  assert.throws(() => fromOdcs({ kind: "DataContract", apiVersion: "v3.1.0", schema: [{ name: "orders", properties: [{ name: "id" }] }] }), {
    code: "contract.invalid",
    message: /name is not said/,
  });
});

test("personal data stays marked, however the file says it", () => {
  for (const mark of [{ classification: "pii" }, { classification: "PII" }, { tags: ["personal"] }, { tags: ["PII"] }]) {
    const [read] = fromOdcs({
      kind: "DataContract",
      apiVersion: "v3.1.0",
      domain: "shop",
      schema: [{ name: "orders", properties: [{ name: "mail", logicalType: "string", ...mark }] }],
    });
    assert.ok(read);
    const { fields } = read.contract["schema"] as { readonly fields: readonly Draft[] };
    assert.equal(fields[0]?.["pii"], true, JSON.stringify(mark));
  }
});

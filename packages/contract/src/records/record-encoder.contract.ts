import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Contract } from "../contract.ts";
import { contractOf, everyKind, everyKindRecord } from "../testing/samples.ts";
import { compileDecoder } from "./decoder.ts";
import type { FieldError } from "./faults.ts";
import type { RecordEncoder } from "./record-encoder.ts";
import { compileToJson } from "./to-json.ts";

/** What every encoder of records promises, whatever way it goes. */
export function testRecordEncoder(name: string, compile: (contract: Contract) => RecordEncoder): void {
  describe(name, () => {
    function errorsOf(contract: Contract, record: unknown): readonly FieldError[] {
      const result = compile(contract).encode(record);
      return result.kind === "invalid" ? result.errors : assert.fail("the record was taken");
    }
    function roundTrip(contract: Contract, record: unknown): unknown {
      const result = compile(contract).encode(record);
      if (result.kind === "invalid") return assert.fail(JSON.stringify(result.errors));
      return compileToJson(contract.schema)(compileDecoder({ writer: contract.schema, reader: contract.schema })(result.value));
    }
    const withValue = (type: unknown, rest?: object) => contractOf([{ name: "v", type }], rest);
    const of = (v: unknown) => ({ k: "a", o: 1, v });

    test("a record of every kind comes back as it was sent", () => {
      assert.deepStrictEqual(roundTrip(everyKind, everyKindRecord), everyKindRecord);
    });

    test("texts of every length and of characters of one to four bytes come back as they were sent", () => {
      const contract = withValue("string");
      const encoder = compile(contract);
      const decode = compileDecoder({ writer: contract.schema, reader: contract.schema });
      for (const character of ["a", "ß", "€", "😀"])
        for (const length of [...Array.from({ length: 140 }, (_, index) => index), 2_731, 4_096, 8_191, 8_192])
          for (const v of [character.repeat(length), `${"x".repeat(length)}${character}`]) {
            const result = encoder.encode(of(v));
            assert.deepEqual(result.kind === "valid" ? decode(result.value) : result, of(v));
          }
    });

    test("every bad field is named, with its path, what was expected and what came", () => {
      const bad = {
        ...everyKindRecord,
        count: 2 ** 31,
        status: "lost",
        email: 7,
        tags: ["fine", 3, null],
        scores: { "two words": "x", ok: 1 },
        address: { floor: "ground" },
        label: undefined,
        surprise: "secret@example.org",
        "US Gross": 1,
      };
      assert.deepEqual(errorsOf(everyKind, bad), [
        { path: "count", expected: "int (a whole number of 32 bits)", received: "number 2147483648" },
        { path: "label", expected: "string", received: "missing" },
        { path: "status", expected: "one of open closed", received: 'string "lost"' },
        { path: "email", expected: "string, or null", received: "number" },
        { path: "tags[1]", expected: "string", received: "number 3" },
        { path: "tags[2]", expected: "string", received: "null" },
        { path: 'scores["two words"]', expected: "int (a whole number of 32 bits), or null", received: 'string "x"' },
        { path: "address.zip", expected: "string", received: "missing" },
        { path: "address.floor", expected: "int (a whole number of 32 bits), or null", received: 'string "ground"' },
        { path: "surprise", expected: "no such field", received: "string" },
        { path: '["US Gross"]', expected: "no such field", received: "number" },
      ]);
    });

    test("what is no record at all has one fault at the root", () => {
      for (const [json, received] of [
        [null, "null"],
        [[], "array"],
        ["x", 'string "x"'],
        [7, "number 7"],
        [true, "boolean true"],
        [undefined, "missing"],
      ] as const) {
        assert.deepEqual(errorsOf(everyKind, json), [{ path: "", expected: "object", received }]);
      }
    });

    test("at most 32 faults are named, however many there are, and values are cut short", () => {
      const errors = errorsOf(withValue({ type: "array", items: "int" }), of(Array.from({ length: 100_000 }, () => "x".repeat(1000))));
      assert.equal(errors.length, 32);
      assert.ok(errors.every((error) => error.received.length < 70));
      assert.equal(errorsOf(withValue("int"), of(`${"x".repeat(58)}😀😀`))[0]?.received.isWellFormed(), true);
    });

    test("keys that a record came with are cut short in the paths of its faults", () => {
      const long = "k".repeat(900_000);
      const map = withValue(["null", { type: "map", values: "int" }]);
      for (const record of [{ ...of(null), [long]: 1 }, of({ [long]: "x" })]) {
        const [error] = errorsOf(map, record);
        assert.ok(error !== undefined && error.path.length < 70 && error.path.endsWith('["' + "k".repeat(59) + '…"]'), error?.path);
      }
      const known = "n".repeat(60);
      assert.equal(errorsOf(contractOf([{ name: known, type: "int" }]), { k: "a", o: 1 })[0]?.path, known);
    });

    test("an encoder forgets the faults of the record before", () => {
      const encoder = compile(withValue("int"));
      assert.equal(encoder.encode(of("x")).kind, "invalid");
      assert.equal(encoder.encode(of(1)).kind, "valid");
      const again = encoder.encode({ k: "a", o: 1 });
      assert.deepEqual(again, { kind: "invalid", errors: [{ path: "v", expected: "int (a whole number of 32 bits)", received: "missing" }] });
    });

    test("values of personal fields never stand in a fault", () => {
      const contract = contractOf([
        {
          name: "v",
          type: {
            type: "record",
            name: "person",
            fields: [
              { name: "name", type: "string" },
              { name: "age", type: "int" },
            ],
          },
          pii: true,
        },
      ]);
      const text = JSON.stringify(errorsOf(contract, of({ name: 7, age: "Ada Lovelace", street: "Dean Street" })));
      assert.doesNotMatch(text, /Ada|Dean/);
      assert.match(text, /v\.age/);
    });

    test("keys of personal maps never stand in a fault, however deep the map lies", () => {
      const phones = { type: "map", values: { type: "record", name: "phone", fields: [{ name: "code", type: "int" }] } };
      const fields = [{ name: "v", type: { type: "array", items: ["null", { type: "record", name: "person", fields: [{ name: "phones", type: phones }] }] } }];
      const value = of([{ phones: { ada: { code: "x" }, "ada@example.com": 7 } }]);
      const pathsOf = (pii: boolean) => errorsOf(contractOf(fields.map((field) => ({ ...field, pii }))), value).map(({ path }) => path);
      assert.deepEqual(pathsOf(true), ["v[0].phones{}.code", "v[0].phones{}"]);
      assert.deepEqual(pathsOf(false), ["v[0].phones.ada.code", 'v[0].phones["ada@example.com"]']);
    });

    test("a missing field takes its default; a nullable one without a default is missed", () => {
      const contract = contractOf([
        { name: "a", type: { type: "array", items: "int" }, default: [1, 2] },
        { name: "b", type: ["null", "string"], default: null },
        { name: "c", type: ["null", "string"] },
        { name: "d", type: "bytes", default: "\u00ff" },
      ]);
      assert.deepEqual(errorsOf(contract, { k: "a", o: 1 }), [{ path: "c", expected: "string, or null", received: "missing" }]);
      assert.deepEqual(roundTrip(contract, { k: "a", o: 1, c: null }), { k: "a", o: 1, a: [1, 2], b: null, c: null, d: "/w==" });
    });

    test("a field is taken under the names that it had, in any place, and never twice", () => {
      const contract = contractOf([
        { name: "place", type: "string", aliases: ["seat", "spot"] },
        { name: "id", type: ["null", "string"], default: null, aliases: ["constructor"] },
      ]);
      const today = { k: "a", o: 1, place: "F9", id: null };
      assert.deepEqual(roundTrip(contract, { k: "a", o: 1, seat: "F9" }), today);
      assert.deepEqual(roundTrip(contract, { spot: "F9", o: 1, id: null, k: "a" }), today);
      assert.deepEqual(roundTrip(contract, { k: "a", o: 1, place: "F9", constructor: "x" }), { ...today, id: "x" });
      assert.deepEqual(roundTrip(contract, { k: "a", o: 1, place: "F9", seat: undefined }), today);
      const twice = (path: string, twin: string) => [{ path, expected: `only one of ${twin} and ${path}, which are one field`, received: "string" }];
      assert.deepEqual(errorsOf(contract, { k: "a", o: 1, place: "F9", seat: "F9" }), twice("seat", "place"));
      assert.deepEqual(errorsOf(contract, { spot: "F9", k: "a", o: 1, seat: "A1" }), twice("seat", "spot"));
      assert.deepEqual(errorsOf(contract, { k: "a", o: 1, seat: 7 }), [{ path: "place", expected: "string", received: "number 7" }]);
      assert.deepEqual(errorsOf(contract, { k: "a", o: 1 }), [{ path: "place", expected: "string", received: "missing" }]);
      assert.deepEqual(errorsOf(contract, { k: "a", o: 1, seat: "F9", Seat: "F9" }), [{ path: "Seat", expected: "no such field", received: "string" }]);
    });

    test("names that every object inherits are fields like any other", () => {
      const contract = contractOf([
        { name: "constructor", type: "string" },
        { name: "toString", type: ["null", "int"], default: null },
      ]);
      assert.deepEqual(errorsOf(contract, { k: "a", o: 1 }), [{ path: "constructor", expected: "string", received: "missing" }]);
      assert.deepEqual(
        Object.entries(roundTrip(contract, { k: "a", o: 1, constructor: "x" }) as object),
        Object.entries({ k: "a", o: 1, constructor: "x", toString: null }),
      );
    });

    test("a key named __proto__ is unknown in a record, and a key like any other in a map", () => {
      const contract = withValue({ type: "map", values: "int" });
      assert.deepEqual(errorsOf(contract, JSON.parse('{"k":"a","o":1,"v":{},"__proto__":{"k":"b"}}')), [
        { path: "__proto__", expected: "no such field", received: "object" },
      ]);
      const back = roundTrip(contract, JSON.parse('{"k":"a","o":1,"v":{"__proto__":5}}')) as { readonly v: object };
      assert.deepEqual(Object.entries(back.v), [["__proto__", 5]]);
    });

    test("longs are taken as numbers where exact, and as text", () => {
      const contract = withValue("long");
      for (const [sent, back] of [
        [2 ** 53 - 1, 2 ** 53 - 1],
        ["9223372036854775807", "9223372036854775807"],
        ["-9223372036854775808", "-9223372036854775808"],
        ["12", 12],
        [12n, 12],
      ] as const) {
        assert.deepEqual(roundTrip(contract, of(sent)), of(back));
      }
      for (const bad of [2 ** 53, 0.5, "9223372036854775808", "1e3", "0x10", " 1", "01", "-0", "", null, true, [1]])
        assert.equal(errorsOf(contract, of(bad)).length, 1, String(bad));
    });

    test("ints and floats are held to their width", () => {
      for (const bad of [2 ** 31, -(2 ** 31) - 1, 0.5, "1", 1e10, [5], Number.NaN]) assert.equal(errorsOf(withValue("int"), of(bad)).length, 1);
      for (const bad of [1e39, JSON.parse("1e999"), "1", null]) assert.equal(errorsOf(withValue("float"), of(bad)).length, 1);
      for (const bad of [JSON.parse("-1e999"), Number.NaN, "1"]) assert.equal(errorsOf(withValue("double"), of(bad)).length, 1);
      assert.deepEqual(roundTrip(withValue("float"), of(0.1)), of(Math.fround(0.1)));
    });

    test("times are taken in any offset and shown in UTC, and no digit is lost", () => {
      const contract = withValue({ type: "long", logicalType: "timestamp-micros" });
      const good: readonly (readonly [unknown, string])[] = [
        ["2026-11-21T09:56:18Z", "2026-11-21T09:56:18.000000Z"],
        ["2026-11-21t09:56:18.5z", "2026-11-21T09:56:18.500000Z"],
        ["2026-11-21T00:30:00+01:00", "2026-11-20T23:30:00.000000Z"],
        ["2026-11-21T09:56:18.123456000-00:00", "2026-11-21T09:56:18.123456Z"],
        ["9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"],
        ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"],
        [0, "1970-01-01T00:00:00.000000Z"],
        [-1, "1969-12-31T23:59:59.999999Z"],
        ["253402300799999999", "9999-12-31T23:59:59.999999Z"],
      ];
      for (const [sent, back] of good) assert.deepEqual(roundTrip(contract, of(sent)), of(back));
      const bad = [
        "2026-11-21T09:56:18",
        "2026-11-21 09:56:18Z",
        "2026-11-21T09:56:18.1234567Z",
        "2026-02-29T00:00:00Z",
        "2026-11-21T24:00:00Z",
        "2016-12-31T23:59:60Z",
        "2026-11-21T09:56:18+1:00",
        "2026-11-21T09:56:18+24:00",
        "2026-11-21T09:56:18.Z",
        "2026-11-21",
        "10000-01-01T00:00:00Z",
        "0000-12-31T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "253402300800000000",
        0.5,
        2 ** 60,
        null,
        "2026-11-21T09:56:18ZZ",
        "2026-11-21T09:56Z",
      ];
      for (const value of bad) assert.equal(errorsOf(contract, of(value)).length, 1, String(value));
      assert.equal(errorsOf(withValue({ type: "long", logicalType: "timestamp-millis" }), of("2026-11-21T09:56:18.1234Z")).length, 1);
    });

    test("local times, dates and times of day are text, and never have a zone", () => {
      const local = withValue({ type: "long", logicalType: "local-timestamp-micros" });
      assert.deepEqual(roundTrip(local, of("2026-11-21T09:56:18.5")), of("2026-11-21T09:56:18.500000"));
      for (const bad of ["2026-11-21T09:56:18Z", "2026-11-21T09:56:18+00:00", 0]) assert.equal(errorsOf(local, of(bad)).length, 1);
      const day = withValue({ type: "int", logicalType: "date" });
      for (const bad of ["2026-11-31", "2026-1-1", "2026-11-21T00:00:00Z", 20778, "0000-01-01", "+2026-11-21"]) assert.equal(errorsOf(day, of(bad)).length, 1);
      const clock = withValue({ type: "long", logicalType: "time-micros" });
      assert.deepEqual(roundTrip(clock, of("09:56")), of("09:56:00.000000"));
      for (const bad of ["24:00:00", "09:60:00", "9:56:00", "09:56:18.", "09:56:18.1234567", "09:56:18Z", 5]) assert.equal(errorsOf(clock, of(bad)).length, 1);
    });

    test("a date or a time that has its form and is none is told so, of a personal field only that it is a text", () => {
      const types = {
        day: { type: "int", logicalType: "date" },
        clock: { type: "int", logicalType: "time-millis" },
        at: { type: "long", logicalType: "timestamp-micros" },
        local: { type: "long", logicalType: "local-timestamp-millis" },
      };
      const receivedFor = (kind: keyof typeof types, sent: string): string | undefined => errorsOf(withValue(types[kind]), of(sent))[0]?.received;
      for (const [kind, sent, why] of [
        ["at", "2026-02-30T00:00:00Z", " (no such day)"],
        ["at", "2025-02-29T00:00:00.5+01:00", " (no such day)"],
        ["at", "2026-13-01t10:00:00z", " (no such day)"],
        ["at", "2026-02-30", " (no such day)"],
        ["at", "2026-11-21T24:00:00Z", " (no such time)"],
        ["at", "2026-11-21T09:60:00Z", " (no such time)"],
        ["at", "2016-12-31T23:59:60Z", " (a leap second)"],
        ["at", "2026-11-21T09:56:18", ""],
        ["at", "2026-11-21T09:56:18.1234567Z", ""],
        ["at", "30.02.2026", ""],
        ["at", "", ""],
        ["local", "2026-04-31T10:00:00", " (no such day)"],
        ["local", "2026-04-30T10:00:00Z", ""],
        ["day", "2026-11-31", " (no such day)"],
        ["day", "2026-1-1", ""],
        ["clock", "25:00", " (no such time)"],
        ["clock", "09:56:61.5", " (no such time)"],
        ["clock", "9:56", ""],
      ] as const)
        assert.equal(receivedFor(kind, sent), `string "${sent}"${why}`);
      const personal = contractOf([{ name: "v", type: types.day, pii: true }]);
      assert.deepEqual(errorsOf(personal, of("1999-02-29")), [{ path: "v", expected: "date, such as 2026-11-21", received: "string" }]);
    });

    test("decimals are text, exact, and fit their precision", () => {
      const contract = withValue({ type: "bytes", logicalType: "decimal", precision: 5, scale: 2 });
      for (const [sent, back] of [
        ["1", "1.00"],
        ["-0.5", "-0.50"],
        ["999.99", "999.99"],
        ["1.5000", "1.50"],
        ["007", "7.00"],
        ["-0", "0.00"],
      ] as const)
        assert.deepEqual(roundTrip(contract, of(sent)), of(back));
      for (const bad of ["1000", "1.001", "1e2", "", ".5", "5.", "+1", " 1", "NaN", 1, "0".repeat(500)])
        assert.equal(errorsOf(contract, of(bad)).length, 1, String(bad));
    });

    test("base64 is taken in its one form", () => {
      const contract = withValue("bytes");
      for (const good of ["", "AA==", "AAA=", "AAAA", "+/+/"]) assert.deepEqual(roundTrip(contract, of(good)), of(good));
      for (const bad of ["A", "AA", "AA=", "AB==", "AAB=", "AA==AAAA", "A===", "====", "AA=A", "-_-_", "AA A", "ä===", 7])
        assert.equal(errorsOf(contract, of(bad)).length, 1, String(bad));
      assert.equal(errorsOf(withValue({ type: "fixed", name: "f", size: 2 }), of("AAAA")).length, 1);
    });

    test("texts with lone surrogates are refused, wherever they stand", () => {
      for (const text of ["\ud800", "a\udc00", `${"x".repeat(100)}\ud83d`]) {
        assert.equal(errorsOf(withValue("string"), of(text)).length, 1);
        assert.equal(errorsOf(withValue({ type: "map", values: "int" }), of({ [text]: 1 })).length, 1);
      }
      assert.deepEqual(roundTrip(withValue("string"), of("😀".repeat(40))), of("😀".repeat(40)));
    });

    test("a uuid is taken in any case and kept in lower case", () => {
      const contract = contractOf([{ name: "u", type: { type: "string", logicalType: "uuid" } }], { key: ["u"] });
      const result = compile(contract).encode({ k: "a", o: 1, u: "ABCDEF01-2345-6789-abcd-EF0123456789" });
      assert.ok(result.kind === "valid");
      assert.equal(new TextDecoder().decode(result.key), "abcdef01-2345-6789-abcd-ef0123456789");
      for (const bad of [
        "abcdef01-2345-6789-abcd-ef012345678",
        "abcdef0102345-6789-abcd-ef01234567890",
        "gbcdef01-2345-6789-abcd-ef0123456789",
        "abcdef01-2345-6789-abcd-ef012345678ä",
        7,
      ]) {
        assert.equal(errorsOf(contract, { k: "a", o: 1, u: bad }).length, 1);
      }
    });

    test("checks that one record can fail are held at the door, those about many are not", () => {
      const contract = contractOf(
        [
          { name: "price", type: ["null", { type: "bytes", logicalType: "decimal", precision: 9, scale: 2 }] },
          { name: "size", type: "long", default: 1 },
          { name: "at", type: { type: "long", logicalType: "timestamp-micros" } },
          { name: "kind", type: "string" },
          { name: "tags", type: { type: "array", items: "string" } },
          { name: "home", type: ["null", { type: "record", name: "home", fields: [{ name: "zip", type: "string" }] }] },
          { name: "ratio", type: "double" },
        ],
        {
          checks: [
            { kind: "range", field: "price", min: "0.50", max: 100 },
            { kind: "range", field: "size", min: 1, max: "9223372036854775806" },
            { kind: "range", field: "at", min: "2020-01-01T00:00:00Z" },
            { kind: "range", field: "ratio", above: 0, below: 1 },
            { kind: "oneOf", field: "kind", values: ["a", "😀😀"] },
            { kind: "length", field: "kind", max: 2 },
            { kind: "length", field: "tags", min: 1 },
            { kind: "matches", field: "home.zip", pattern: "^\\d{5}$" },
            { kind: "sum", field: "price" },
            { kind: "unique", field: "kind" },
            { kind: "freshness", within: "15m" },
          ],
        },
      );
      const good = { k: "a", o: 1, price: "0.5", size: 5, at: "2021-01-01T00:00:00Z", kind: "😀😀", tags: ["x"], home: { zip: "80331" }, ratio: 0.5 };
      assert.ok(roundTrip(contract, good));
      assert.ok(roundTrip(contract, { ...good, price: null, home: null }));
      const bad = {
        ...good,
        price: "100.01",
        size: "9223372036854775807",
        at: "2019-12-31T23:59:59.999999Z",
        kind: "b",
        tags: [],
        home: { zip: "8033" },
        ratio: 1,
      };
      assert.deepEqual(
        errorsOf(contract, bad).map(({ path, expected }) => [path, expected]),
        [
          ["price", "at least 0.50 and at most 100"],
          ["size", "at least 1 and at most 9223372036854775806"],
          ["at", "at least 2020-01-01T00:00:00Z"],
          ["kind", "one of a 😀😀"],
          ["tags", "at least 1 items"],
          ["home.zip", "text that matches ^\\d{5}$, at most 10000 characters"],
          ["ratio", "above 0 and below 1"],
        ],
      );
      const notNull = contractOf([{ name: "v", type: ["null", "int"] }], { checks: [{ kind: "notNull", field: "v" }] });
      assert.deepEqual(errorsOf(notNull, of(null)), [{ path: "v", expected: "a value that is not null", received: "null" }]);
    });

    test("the steeper a pattern's cost, the shorter the texts that are held against it", () => {
      const lengths = { "^\\p{L}+$": 10_000, "\\s*a+$": 10_000, "^\\S+@\\S+\\.\\S+$": 464, "^\\S+@\\S+@\\S+\\.\\S+$": 100 };
      const start = { "^\\p{L}+$": "", "\\s*a+$": "", "^\\S+@\\S+\\.\\S+$": "a@b.", "^\\S+@\\S+@\\S+\\.\\S+$": "a@b@c." };
      for (const pattern of Object.keys(lengths) as (keyof typeof lengths)[]) {
        const contract = withValue("string", { checks: [{ kind: "matches", field: "v", pattern }] });
        const longest = start[pattern].padEnd(lengths[pattern], "a");
        assert.ok(roundTrip(contract, of(longest)), pattern);
        assert.deepEqual(
          errorsOf(contract, of(`${longest}a`)).map(({ path, expected }) => [path, expected]),
          [["v", `text that matches ${pattern}, at most ${lengths[pattern]} characters`]],
        );
      }
    });

    test("keys: one text is its UTF-8, anything else Avro in the declared order", () => {
      const keyOf = (contract: Contract, record: unknown) => {
        const result = compile(contract).encode(record);
        return result.kind === "valid" ? Buffer.from(result.key).toString("hex") : assert.fail(JSON.stringify(result.errors));
      };
      const long = "ü".repeat(100);
      assert.equal(keyOf(contractOf([]), { k: long, o: 1 }), Buffer.from(long).toString("hex"));
      assert.equal(keyOf(contractOf([]), { k: "", o: 1 }), "");
      assert.equal(keyOf(contractOf([], { key: ["o"] }), { k: "", o: 64 }), "8001");
      assert.equal(keyOf(contractOf([], { key: ["o", "k"] }), { o: 1, k: "a" }), "020261");
      assert.equal(keyOf(contractOf([{ name: "v", type: { type: "enum", name: "e", symbols: ["A", "B"] } }], { key: ["v"] }), of("B")), "02");
    });
  });
}

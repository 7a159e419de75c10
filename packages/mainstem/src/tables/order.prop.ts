import assert from "node:assert/strict";
import { test } from "node:test";
import { DuckDBDataChunk, INTEGER } from "@duckdb/node-api";
import { compareBytes, compileOrderBytes, parseContract, type Contract, type NativeRecord } from "@mainstem/contract";
import fc from "fast-check";
import { openDatabase } from "./duckdb/database.ts";
import { declarations, list, orderValue, shapeOf } from "./duckdb/shape.ts";
import { newTableOf } from "../iceberg/index.ts";
import { fixedType, nativeOf, orderTypes, scalarTypes } from "./testing/arbitraries.ts";
import { assertForAWhile } from "./testing/world.ts";

const names = [...orderTypes, "fixed"] as const;

/** Contracts whose order is one to three fields of any type that an order can have. */
const orders: fc.Arbitrary<Contract> = fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 }).map((chosen) => {
  const fields = chosen.map((name, index) => ({ name: `o${index}`, type: name === "fixed" ? fixedType(`f${index}`) : scalarTypes[name] }));
  return parseContract({
    name: "shop.orders",
    schema: { type: "record", name: "orders", namespace: "shop", fields: [{ name: "id", type: "int" }, ...fields] },
    key: ["id"],
    order: fields.map(({ name }) => name),
  });
});

const samples = orders.chain((contract) => {
  const fields = contract.schema.fields.slice(1);
  // Few first values, so that the later fields decide.
  const record = fc.tuple(...fields.map(({ type }) => fc.array(nativeOf(type), { minLength: 1, maxLength: 4 })));
  const rows = record.chain((pools) => fc.array(fc.tuple(...pools.map((pool) => fc.constantFrom(...pool))), { minLength: 2, maxLength: 12 }));
  return rows.map((values) => ({ contract, natives: values.map((own) => Object.fromEntries(fields.map(({ name }, index) => [name, own[index]]))) }));
});

test("DuckDB orders the values of every order type as the contract's order bytes do", async () => {
  await using database = await openDatabase({ memoryBytesMax: 268_435_456, threads: 1, directory: "" });
  const seen = new Set<string>();
  await assertForAWhile(
    fc.asyncProperty(samples, async ({ contract, natives }) => {
      const shape = shapeOf(contract, newTableOf(contract).schema);
      for (const { type } of shape.order) seen.add(type);
      await database.run(`CREATE OR REPLACE TABLE t (n INTEGER, ${declarations(shape.order)})`);
      const chunk = DuckDBDataChunk.create([INTEGER, ...shape.order.map(({ column }) => column.type)], natives.length);
      chunk.setRows(natives.map((native, index) => [index, ...shape.order.map(({ field, column }) => column.toDuckdb(native[field.name]))]));
      const appender = await database.connection.createAppender("t");
      appender.appendDataChunk(chunk);
      appender.closeSync();
      const bytes = compileOrderBytes(contract);
      const compare = (a: NativeRecord, b: NativeRecord): number => Math.sign(compareBytes(bytes(a), bytes(b)));
      const order = (alias: string): string => orderValue(shape, alias);
      const pairs = await database.rows(
        `SELECT a.n, b.n, CASE WHEN ${order("a")} < ${order("b")} THEN -1 WHEN ${order("a")} > ${order("b")} THEN 1 ELSE 0 END FROM t a, t b`,
      );
      for (const [a, b, found] of pairs) assert.equal(found, compare(natives[a as number]!, natives[b as number]!));
      const extremes = await database.rows(`SELECT arg_max(n, ${orderValue(shape)}), arg_min(n, ${orderValue(shape)}) FROM t`);
      const [greatest, least] = extremes[0]!.map((n) => natives[n as number]!);
      assert.ok(
        natives.every((native) => compare(native, greatest!) <= 0 && compare(native, least!) >= 0),
        "arg_max and arg_min compare in the same way",
      );
      // A row that is read back is the row that was written.
      const read = await database.rows(`SELECT ${list(shape.order)} FROM t ORDER BY n`);
      assert.deepEqual(
        read.map((values) => shape.order.map(({ column }, index) => column.toNative(values[index]!))),
        natives.map((native) => shape.order.map(({ field }) => native[field.name])),
      );
    }),
  );
  assert.ok(seen.size >= 11, `only ${[...seen].join(", ")} were compared`);
});

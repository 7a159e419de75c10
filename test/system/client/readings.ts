import assert from "node:assert/strict";
import { dataset, formatContract, type Contract } from "@mainstem/contract";
import { z } from "zod";

export const readings = dataset({
  name: "weather.readings",
  schema: z.object({ id: z.string(), place: z.int(), celsius: z.number().min(-100), note: z.string().optional() }),
  key: ["id"],
  order: ["place"],
});

export type Reading = { readonly id: string; readonly place: number; readonly celsius: number };

export function reading(place: number, prefix = "r"): Reading {
  return { id: `${prefix}-${place}`, place, celsius: 4.5 };
}

export async function declare(url: string, contract: Contract = readings): Promise<void> {
  const response = await fetch(`${url}/v1/definitions/dataset/${contract.name}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(formatContract(contract)),
  });
  assert.ok(response.ok, await response.text());
}

/** The values in the log, partition after partition, in the order of their offsets. */
export async function readLog(url: string, name = "weather.readings"): Promise<readonly Reading[]> {
  const response = await fetch(`${url}/v1/datasets/${name}/records`);
  const lines = (await response.text()).split("\n").filter((line) => line !== "");
  return lines.map((line) => (JSON.parse(line) as { readonly value: Reading }).value);
}

/** Each of the places 0 to `count` - 1 stands in the log once, in order. */
export async function checkLog(url: string, count: number): Promise<void> {
  const places = (await readLog(url)).map(({ place }) => place);
  assert.deepEqual(
    places,
    Array.from({ length: count }, (_, place) => place),
  );
}

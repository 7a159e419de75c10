import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { Earthquake } from "./datasets.ts";

/** GeoJSON as the USGS publishes it, as far as the example needs to know it. */
const featureCollection = z.object({
  features: z.array(
    z.object({
      id: z.string(),
      properties: z.record(z.string(), z.unknown()),
      geometry: z.object({ coordinates: z.tuple([z.number(), z.number(), z.number()]) }),
    }),
  ),
});

/** The 1,707 earthquakes of one week in 2018, each feature flattened into one record. */
export async function readEarthquakes(): Promise<readonly Earthquake[]> {
  const { features } = featureCollection.parse(await readDataset("earthquakes.json"));
  return features.map(({ id, properties, geometry }) => {
    const [longitude, latitude, depth] = geometry.coordinates;
    const { time, updated, ...rest } = properties as { readonly time: number; readonly updated: number } & Omit<Earthquake, "id" | "time" | "updated">;
    return { id, ...rest, time: toTimestamp(time), updated: toTimestamp(updated), longitude, latitude, depth };
  });
}

/** 3,201 films as they were collected: not every title is text. */
export async function readMovies(): Promise<readonly Record<string, unknown>[]> {
  return z.array(z.record(z.string(), z.unknown())).parse(await readDataset("movies.json"));
}

/** `US Gross` becomes `us_gross`: Avro's names have no spaces. Values stay as they are, wrong ones too. */
export function renameFields(movie: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(movie).map(([name, value]) => [name.toLowerCase().replaceAll(" ", "_"), value]));
}

/** Milliseconds since 1970 as RFC 3339. */
export function toTimestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

async function readDataset(file: string): Promise<unknown> {
  // The package's front is a browser bundle that fetches; its files lie beside it.
  const url = new URL(`../data/${file}`, import.meta.resolve("vega-datasets"));
  return JSON.parse(await readFile(fileURLToPath(url), "utf8"));
}

import { createHash } from "node:crypto";
import { parseAvroSchema, schemaText, toSchemaJson, type AvroSchema } from "@mainstem/contract";
import type { Env } from "../runtime/env.ts";
import { MainstemError } from "../runtime/errors.ts";
import { limits } from "../runtime/limits.ts";
import type { Definition, StateStore } from "../state/index.ts";
import type { DefinitionObjects } from "./definition-objects.ts";

export const schemaKind = "schema";

/** The ids that the wire format carries: one for each schema text, for ever, the same for all datasets. */
export interface Schemas {
  /** The schema's id, given out now if it has none. */
  idOf(schema: AvroSchema): Promise<number>;
  /** The schema's id if it has one. */
  find(schema: AvroSchema): Promise<number | undefined>;
  get(id: number): Promise<AvroSchema | undefined>;
  /** The greatest id that was given out; 0 before the first. */
  highest(): Promise<number>;
}

interface Options {
  readonly state: StateStore;
  readonly stored: DefinitionObjects;
  readonly env: Env;
}

/**
 * Ids count from 1 without gaps, and each is put if absent. Whoever gives out the next one has therefore looked at all before it,
 * so that two processes can never give one schema two ids.
 */
export async function openSchemas({ state, stored, env }: Options): Promise<Schemas> {
  const byId = new Map<number, AvroSchema>();
  const bySha = new Map<string, number>();
  let highest = 0;

  function remember(definition: Definition): void {
    const { id, schema, sha256 } = parseStored(definition);
    byId.set(id, schema);
    bySha.set(sha256, id);
    if (id > highest) highest = id;
  }

  /** Those that other processes gave out since. */
  async function catchUp(): Promise<void> {
    for (;;) {
      const next = await state.definitions.get(schemaKind, String(highest + 1));
      if (next === undefined) return;
      // Whoever gave it out may have died before it was an object.
      await stored.store(next);
      remember(next);
    }
  }

  for (const definition of await state.definitions.list(schemaKind)) remember(definition);

  return {
    async idOf(schema) {
      const sha256 = sha256Of(schema);
      for (let attempt = 0; attempt < limits.registryConflictsMax; attempt += 1) {
        const known = bySha.get(sha256);
        if (known !== undefined) return known;
        await catchUp();
        if (bySha.has(sha256)) continue;
        const spec = { schema: toSchemaJson(schema), sha256 };
        const swap = await state.definitions.put({ kind: schemaKind, name: String(highest + 1), spec, appliedAt: Math.floor(env.now()) }, "absent");
        if (swap.kind === "conflict") continue;
        await stored.store(swap.value);
        remember(swap.value);
      }
      throw new MainstemError("registry.conflict", `Other schemas took the next id ${limits.registryConflictsMax} times while one was registered.`);
    },
    async find(schema) {
      const sha256 = sha256Of(schema);
      if (!bySha.has(sha256)) await catchUp();
      return bySha.get(sha256);
    },
    async highest() {
      await catchUp();
      return highest;
    },
    async get(id) {
      if (!Number.isSafeInteger(id) || id < 1) return undefined;
      if (!byId.has(id)) {
        const definition = await state.definitions.get(schemaKind, String(id));
        if (definition !== undefined) byId.set(id, parseStored(definition).schema);
      }
      return byId.get(id);
    },
  };
}

function sha256Of(schema: AvroSchema): string {
  return createHash("sha256").update(schemaText(schema)).digest("hex");
}

function parseStored({ name, spec }: Definition): { readonly id: number; readonly schema: AvroSchema; readonly sha256: string } {
  const { schema: json, sha256 } = spec as { readonly schema: unknown; readonly sha256: unknown };
  const schema = parseAvroSchema(json);
  if (!/^[1-9]\d{0,9}$/.test(name) || sha256 !== sha256Of(schema))
    throw new MainstemError("state.corrupt", `The stored schema ${name} is not the one whose digest it has.`, { kind: schemaKind, name });
  return { id: Number(name), schema, sha256 };
}

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
  /**
   * The schema's id, given out now if it has none: the one above all others, or, for a schema that comes from another registry, the one that it had
   * there. `registry.idMismatch` when it has another, `registry.notPermitted` when that is another schema's.
   */
  idOf(schema: AvroSchema, options?: { readonly id?: number | undefined }): Promise<number>;
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

/** What the wire format's clients hold an id in. */
const idMax = 2_147_483_647;

/**
 * Schemas have places from 1 on without gaps, each put if absent. Whoever takes the next one has therefore looked at all before it,
 * so that two processes can never give one schema two ids, or two schemas one.
 */
export async function openSchemas({ state, stored, env }: Options): Promise<Schemas> {
  const byId = new Map<number, AvroSchema>();
  const bySha = new Map<string, number>();
  let places = 0;
  let highest = 0;

  function remember(definition: Definition): void {
    const { place, id, schema, sha256 } = parseStored(definition);
    byId.set(id, schema);
    bySha.set(sha256, id);
    places = Math.max(places, place);
    highest = Math.max(highest, id);
  }

  /** Those that other processes gave out since. */
  async function catchUp(): Promise<void> {
    for (;;) {
      const next = await state.definitions.get(schemaKind, String(places + 1));
      if (next === undefined) return;
      // Whoever gave it out may have died before it was an object.
      await stored.store(next);
      remember(next);
    }
  }

  function nextId(): number {
    if (highest < idMax) return highest + 1;
    let free = 1;
    while (byId.has(free)) free += 1;
    return free;
  }

  for (const definition of await state.definitions.list(schemaKind)) remember(definition);

  return {
    async idOf(schema, { id: wanted } = {}) {
      const sha256 = sha256Of(schema);
      for (let attempt = 0; attempt < limits.registryConflictsMax; attempt += 1) {
        const known = bySha.get(sha256);
        if (known !== undefined && wanted !== undefined && known !== wanted) throw mismatch(known, wanted);
        if (known !== undefined) return known;
        await catchUp();
        if (bySha.has(sha256)) continue;
        if (wanted !== undefined && byId.has(wanted))
          throw new MainstemError("registry.notPermitted", `Overwrite new schema with id ${wanted} is not permitted.`, { id: wanted });
        const [place, id] = [places + 1, wanted ?? nextId()];
        const spec = { schema: toSchemaJson(schema), sha256, ...(id === place ? {} : { id }) };
        const swap = await state.definitions.put({ kind: schemaKind, name: String(place), spec, appliedAt: Math.floor(env.now()) }, "absent");
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
      if (!isId(id)) return undefined;
      if (!byId.has(id)) await catchUp();
      return byId.get(id);
    },
  };
}

export function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= idMax;
}

function mismatch(id: number, wanted: number): MainstemError {
  return new MainstemError("registry.idMismatch", `Schema already registered with id ${id} instead of input id ${wanted}.`, { id, wanted });
}

function sha256Of(schema: AvroSchema): string {
  return createHash("sha256").update(schemaText(schema)).digest("hex");
}

function parseStored({ name, spec }: Definition): { readonly place: number; readonly id: number; readonly schema: AvroSchema; readonly sha256: string } {
  const { schema: json, sha256, id = Number(name) } = spec as { readonly schema: unknown; readonly sha256: unknown; readonly id?: unknown };
  const schema = parseAvroSchema(json);
  if (!/^[1-9]\d{0,9}$/.test(name) || sha256 !== sha256Of(schema) || !isId(id))
    throw new MainstemError("state.corrupt", `The stored schema ${name} is not the one whose digest it has.`, { kind: schemaKind, name });
  return { place: Number(name), id, schema, sha256 };
}

import type { Compatibility, Contract } from "@mainstem/contract";
import { MainstemError } from "../runtime/errors.ts";
import { limits } from "../runtime/limits.ts";
import type { Env } from "../runtime/env.ts";
import type { StateStore } from "../state/index.ts";
import type { Dataset } from "./dataset.ts";
import type { DefinitionObjects } from "./definition-objects.ts";
import { nameOfSubject, parseStoredSettings, registryConfigKind, subjectConfigKind, type StoredSettings } from "./stored-subject.ts";

import type { SubjectMode, SubjectSettings } from "./subject.ts";
import { datasetOfSubject, type SubjectViews } from "./subject-views.ts";

/** What holds where nothing was set: as the registries of the field have it. */
const defaultLevel: Compatibility = "BACKWARD";
const defaultMode: SubjectMode = "READWRITE";

interface Options {
  readonly state: StateStore;
  readonly stored: DefinitionObjects;
  readonly env: Env;
  readonly datasets: Datasets;
  readonly views: SubjectViews;
}
interface Datasets {
  get(name: string): Promise<Dataset | undefined>;
  revise(name: string, change: (contract: Contract) => Contract, options: { readonly provenance: string }): Promise<unknown>;
}

export class StateSettings implements SubjectSettings {
  readonly #store: SettingsStore;
  readonly #datasets: Datasets;
  readonly #views: SubjectViews;

  constructor(options: Options) {
    this.#store = createSettingsStore(options);
    this.#datasets = options.datasets;
    this.#views = options.views;
  }

  /** Takes both back, as the registries do with a subject that is deleted. */
  async clear(subject: string): Promise<void> {
    await this.#store.put(subject, { compatibility: undefined, mode: undefined });
  }

  async level(subject: string | undefined): Promise<{ readonly own: Compatibility | undefined; readonly effective: Compatibility }> {
    const all = (await this.#store.get(undefined)).compatibility;
    if (subject === undefined) return { own: all, effective: all ?? defaultLevel };
    const name = datasetOfSubject(subject);
    const dataset = name === undefined ? undefined : await this.#datasets.get(name);
    const own = dataset?.contract.compatibility ?? (await this.#store.get(subject)).compatibility;
    return { own, effective: own ?? all ?? defaultLevel };
  }

  async setLevel(subject: string | undefined, level: Compatibility | undefined): Promise<void> {
    if (isReadonly((await this.mode(subject)).effective))
      throw new MainstemError(
        "registry.notPermitted",
        subject === undefined ? "The registry is in read-only mode." : `Subject '${subject}' is in read-only mode.`,
        {
          subject,
        },
      );
    const name = subject === undefined ? undefined : datasetOfSubject(subject);
    if (name === undefined || (await this.#datasets.get(name)) === undefined) return await this.#store.put(subject, { compatibility: level });
    const compatibility = level ?? "BACKWARD_TRANSITIVE";
    if (compatibility !== "BACKWARD_TRANSITIVE" && compatibility !== "FULL_TRANSITIVE")
      throw new MainstemError(
        "registry.notPermitted",
        `Subject '${subject}' is the schema of dataset ${name}, whose archive and table must stay readable: it takes BACKWARD_TRANSITIVE or FULL_TRANSITIVE.`,
        { subject },
      );
    await this.#datasets.revise(name, (contract) => ({ ...contract, compatibility }), { provenance: `compatibility level of the subject ${subject}` });
  }

  async mode(subject: string | undefined): Promise<{ readonly own: SubjectMode | undefined; readonly effective: SubjectMode }> {
    const all = (await this.#store.get(undefined)).mode;
    const own = subject === undefined ? all : (await this.#store.get(subject)).mode;
    return { own, effective: all === "READONLY_OVERRIDE" ? all : (own ?? all ?? defaultMode) };
  }

  async setMode(subject: string | undefined, mode: SubjectMode | undefined, { force = false }: { readonly force?: boolean } = {}): Promise<void> {
    if (mode === "IMPORT" && !force) {
      const taken =
        subject === undefined ? (await this.#views.all("")).some(({ versions }) => versions.length > 0) : (await this.#views.load(subject)).versions.length > 0;
      if (taken) {
        const what = subject === undefined ? "there are subjects" : `subject '${subject}' has versions`;
        throw new MainstemError("registry.notPermitted", `Cannot import since ${what} already; set force=true to do it all the same.`, { subject });
      }
    }
    await this.#store.put(subject, { mode });
  }
}

export function isReadonly(mode: SubjectMode): boolean {
  return mode === "READONLY" || mode === "READONLY_OVERRIDE";
}

/** Settings as they are stored, of a subject or (`undefined`) of all. */
interface SettingsStore {
  get(subject: string | undefined): Promise<StoredSettings>;
  /** A setting that is undefined is taken back, one that is left out stays. */
  put(subject: string | undefined, change: { readonly [Name in keyof StoredSettings]: StoredSettings[Name] | undefined }): Promise<void>;
}

function createSettingsStore({ state, stored, env }: Pick<Options, "state" | "stored" | "env">): SettingsStore {
  const keyOf = (subject: string | undefined) =>
    subject === undefined ? { kind: registryConfigKind, name: "global" } : { kind: subjectConfigKind, name: nameOfSubject(subject) };
  return {
    async get(subject) {
      const { kind, name } = keyOf(subject);
      const definition = await state.definitions.get(kind, name);
      return definition === undefined ? {} : parseStoredSettings(definition);
    },
    async put(subject, change) {
      const { kind, name } = keyOf(subject);
      for (let attempt = 0; attempt < limits.registryConflictsMax; attempt += 1) {
        const current = await state.definitions.get(kind, name);
        const before = current === undefined ? {} : parseStoredSettings(current);
        const spec = Object.fromEntries(Object.entries({ ...before, ...change }).filter(([, value]) => value !== undefined));
        if (JSON.stringify(spec) === JSON.stringify(before)) return;
        if (current !== undefined) await stored.store(current);
        const swap = await state.definitions.put({ kind, name, spec, appliedAt: Math.floor(env.now()) }, current?.version ?? "absent");
        if (swap.kind === "conflict") continue;
        await stored.store(swap.value);
        return;
      }
      throw new MainstemError("registry.conflict", `The settings ${name} were changed by others again and again.`, { name });
    },
  };
}

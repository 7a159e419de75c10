import { formatExact, schemaText, type AvroSchema } from "@mainstem/contract";
import type { Env } from "../runtime/env.ts";
import { MainstemError } from "../runtime/errors.ts";
import type { Definition, StateStore } from "../state/index.ts";
import type { Dataset } from "./dataset.ts";
import type { DatasetSchemas } from "./dataset-schemas.ts";
import type { DefinitionObjects } from "./definition-objects.ts";
import { parseWithReferences, withoutReferenced } from "./schema-references.ts";
import { isId, type Schemas } from "./schemas.ts";
import { formatSubject, nameOfSubject, parseStoredSubject, subjectKind, subjectOfName, type Claim, type StoredVersion } from "./stored-subject.ts";
import type { SchemaReference, Seen, SubjectVersion, SubmittedReference, SubmittedSchema, VersionNumber } from "./subject.ts";

interface Options {
  readonly state: StateStore;
  readonly stored: DefinitionObjects;
  readonly schemas: Schemas;
  readonly env: Env;
  readonly datasets: { get(name: string): Promise<Dataset | undefined>; list(): Promise<readonly Dataset[]> };
  readonly datasetSchemas: DatasetSchemas;
}

/** The part of a subject's name that names a dataset. */
const valueEnding = "-value";

/** A subject as it stands: what is stored, and the schemas of its dataset that are not among that. */
export interface View {
  readonly subject: string;
  readonly definition: Definition | undefined;
  readonly stored: readonly StoredVersion[];
  readonly versions: readonly StoredVersion[];
  readonly dataset: Dataset | undefined;
  /** What is being made of it; once `dataset` is there it says nothing more. */
  readonly claim: Claim | undefined;
}

export interface Parsed {
  readonly schema: AvroSchema;
  readonly references: readonly SchemaReference[];
}

/** Reads subjects as they stand, and stores their next definitions. */
export class SubjectViews {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  async load(subject: string): Promise<View> {
    // The dataset first: its subject is stored before it is made.
    const name = datasetOfSubject(subject);
    const dataset = name === undefined ? undefined : await this.#options.datasets.get(name);
    const definition = await this.#options.state.definitions.get(subjectKind, nameOfSubject(subject));
    return this.#view(subject, definition, dataset);
  }

  async #view(subject: string, definition: Definition | undefined, dataset: Dataset | undefined): Promise<View> {
    const { versions: stored, claim } = definition === undefined ? { versions: [] } : parseStoredSubject(definition);
    const versions = [...stored];
    if (dataset !== undefined) {
      const live = new Set(stored.filter((one) => one.deleted !== true).map(({ schemaId }) => schemaId));
      for (const schemaId of await this.#options.datasetSchemas.idsOf(dataset)) {
        if (!live.has(schemaId)) versions.push({ version: (versions.at(-1)?.version ?? 0) + 1, schemaId });
      }
    }
    return { subject, definition, stored, versions, dataset, claim };
  }

  /** Ordered by subject. */
  async all(prefix: string): Promise<readonly View[]> {
    const datasets = new Map((await this.#options.datasets.list()).map((dataset) => [subjectOfDataset(dataset.contract.name), dataset]));
    const definitions = new Map((await this.#options.state.definitions.list(subjectKind)).map((one) => [subjectOfName(one.name), one]));
    const subjects = [...new Set([...datasets.keys(), ...definitions.keys()])].filter((subject) => subject.startsWith(prefix)).sort();
    return Promise.all(subjects.map((subject) => this.#view(subject, definitions.get(subject), datasets.get(subject))));
  }

  /** Those whose dataset, if they name one, is not there. Ordered by subject. */
  async withoutDataset(): Promise<readonly View[]> {
    const definitions = await this.#options.state.definitions.list(subjectKind);
    // After the subjects, which are stored first: what is made meanwhile is among them.
    const made = new Set((await this.#options.datasets.list()).map(({ contract }) => subjectOfDataset(contract.name)));
    const missing = definitions.map((definition) => ({ definition, subject: subjectOfName(definition.name) })).filter(({ subject }) => !made.has(subject));
    const views = await Promise.all(missing.map(({ definition, subject }) => this.#view(subject, definition, undefined)));
    return views.toSorted((a, b) => (a.subject < b.subject ? -1 : 1));
  }

  async uses(id: number): Promise<readonly { readonly subject: string; readonly use: StoredVersion }[]> {
    const views = await this.all("");
    return views.flatMap(({ subject, versions }) => versions.filter((use) => use.schemaId === id).map((use) => ({ subject, use })));
  }

  /** True when it was this change that was stored. */
  async put({ subject, definition }: View, versions: readonly StoredVersion[], claim?: Claim): Promise<boolean> {
    const { state, stored, env } = this.#options;
    // The version before is an object before there is a next one: so no crash leaves more than the last one out.
    if (definition !== undefined) await stored.store(definition);
    const next = { kind: subjectKind, name: nameOfSubject(subject), spec: formatSubject({ versions, claim }), appliedAt: Math.floor(env.now()) };
    const swap = await state.definitions.put(next, definition?.version ?? "absent");
    if (swap.kind === "conflict") return false;
    await stored.store(swap.value);
    return true;
  }

  async schemasOf(versions: readonly StoredVersion[]): Promise<readonly AvroSchema[]> {
    return Promise.all(versions.map(({ schemaId }) => this.schemaOf(schemaId)));
  }

  async schemaOf(id: number): Promise<AvroSchema> {
    const schema = await this.#options.schemas.get(id);
    if (schema === undefined) throw schemaUnknown(id);
    return schema;
  }

  async parse({ schema, references }: SubmittedSchema): Promise<Parsed> {
    const found = await Promise.all(references.map((one) => this.#referred(one, {})));
    const numbered = found.map(({ reference, version: { version } }) => ({ ...reference, version }));
    return { schema: parseWithReferences(schema, await this.schemasOf(found.map(({ version }) => version))), references: numbered };
  }

  async #referred(reference: SubmittedReference, options: Seen): Promise<{ readonly reference: SubmittedReference; readonly version: StoredVersion }> {
    const { subject, version } = reference;
    try {
      return { reference, version: versionOf(await this.load(subject), version, options) };
    } catch (error) {
      if (!(error instanceof MainstemError) || !["registry.subjectUnknown", "registry.versionUnknown"].includes(error.code)) throw error;
      const message = `Invalid schema: it refers to version ${version} of subject '${subject}', which is not there.`;
      throw new MainstemError("registry.schemaInvalid", message, { subject, version }, { cause: error });
    }
  }

  async show(subject: string, { version, schemaId, references = [], deleted }: StoredVersion): Promise<SubjectVersion> {
    const schema = await this.schemaOf(schemaId);
    return { subject, version, id: schemaId, schema: await this.text(schema, references), references, deleted: deleted === true };
  }

  async text(schema: AvroSchema, references: readonly SchemaReference[]): Promise<string> {
    if (references.length === 0) return schemaText(schema);
    const found = await Promise.all(references.map((one) => this.#referred(one, { deleted: true })));
    return formatExact(withoutReferenced(schema, await this.schemasOf(found.map(({ version }) => version))));
  }

  /** The ids of schemas that refer to a version. */
  async referencing({ subject, version, deleted: softly = false }: Pick<SchemaReference, "subject" | "version"> & Seen): Promise<ReadonlySet<number>> {
    const ids = new Set<number>();
    for (const { versions } of await this.all("")) {
      for (const { references = [], schemaId, deleted } of versions) {
        const refers = references.some((one) => one.subject === subject && one.version === version);
        if (refers && (softly || deleted !== true)) ids.add(schemaId);
      }
    }
    return ids;
  }
}

export function subjectOfDataset(name: string): string {
  return `${name}${valueEnding}`;
}

export function datasetOfSubject(subject: string): string | undefined {
  return subject.endsWith(valueEnding) ? subject.slice(0, -valueEnding.length) : undefined;
}

export function seen({ versions }: View, { deleted = false }: Seen): readonly StoredVersion[] {
  return deleted ? versions : versions.filter((one) => one.deleted !== true);
}

export function versionOf(view: View, wanted: VersionNumber, options: Seen): StoredVersion {
  const versions = seen(view, options);
  if (versions.length === 0) throw subjectUnknown(view.subject);
  const found = wanted === "latest" ? versions.at(-1) : versions.find(({ version }) => version === wanted);
  if (found === undefined) throw new MainstemError("registry.versionUnknown", `Version ${wanted} not found.`, { subject: view.subject, version: wanted });
  return found;
}

/** `registry.notPermitted` where there is no greater number: an import may have taken the last one. */
export function nextVersion({ subject, versions }: View): number {
  const next = (versions.at(-1)?.version ?? 0) + 1;
  if (!isId(next)) throw new MainstemError("registry.notPermitted", `Subject '${subject}' has the last version that there may be.`, { subject });
  return next;
}

export function schemaUnknown(id: number): MainstemError {
  return new MainstemError("registry.schemaUnknown", `Schema ${id} not found.`, { id });
}

export function subjectUnknown(subject: string): MainstemError {
  return new MainstemError("registry.subjectUnknown", `Subject '${subject}' not found.`, { subject });
}

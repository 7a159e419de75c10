import { isDeepStrictEqual } from "node:util";
import {
  checkCompatibility,
  formatContract,
  isDatasetName,
  isReservedName,
  isUnion,
  namesOf,
  schemaText,
  type AvroSchema,
  type Contract,
} from "@mainstem/contract";
import type { Env } from "../runtime/env.ts";
import { MainstemError } from "../runtime/errors.ts";
import { limits } from "../runtime/limits.ts";
import type { StateStore } from "../state/index.ts";
import type { Applied, ApplyOptions, Dataset, DatasetVersion, Judgement } from "./dataset.ts";
import { createDatasetSchemas, type DatasetSchemas } from "./dataset-schemas.ts";
import type { DefinitionObjects } from "./definition-objects.ts";
import { isId, type Schemas } from "./schemas.ts";
import { nameOfSubject, type Claim, type StoredVersion } from "./stored-subject.ts";
import type { SchemaReference, Seen, SubjectMode, Subjects, SubjectVersion, SubmittedSchema, VersionNumber, WaitingDataset } from "./subject.ts";
import { isReadonly, StateSettings } from "./subject-settings.ts";
import {
  datasetOfSubject,
  nextVersion,
  schemaUnknown,
  seen,
  subjectOfDataset,
  subjectUnknown,
  SubjectViews,
  versionOf,
  type Parsed,
  type View,
} from "./subject-views.ts";

export interface SubjectsOptions {
  readonly state: StateStore;
  readonly stored: DefinitionObjects;
  readonly schemas: Schemas;
  readonly env: Env;
  readonly datasets: Datasets;
}

/** What subjects need of the registry of datasets. */
export interface Datasets {
  get(name: string): Promise<Dataset | undefined>;
  list(): Promise<readonly Dataset[]>;
  history(name: string): Promise<readonly DatasetVersion[]>;
  judge(contract: Contract): Promise<Judgement>;
  revise(name: string, change: (contract: Contract) => Contract, options: Pick<ApplyOptions, "provenance">): Promise<Applied>;
  /** Makes the dataset that its subject was claimed for, unless it is there. */
  finish(claim: Claim): Promise<void>;
}

export class StateSubjects implements Subjects {
  readonly settings: StateSettings;
  readonly #options: SubjectsOptions;
  readonly #datasetSchemas: DatasetSchemas;
  readonly #views: SubjectViews;

  constructor(options: SubjectsOptions) {
    this.#options = options;
    this.#datasetSchemas = createDatasetSchemas(options);
    this.#views = new SubjectViews({ ...options, datasetSchemas: this.#datasetSchemas });
    this.settings = new StateSettings({ ...options, views: this.#views });
  }

  async list({ deleted = false, deletedOnly = false, prefix = "" }: Parameters<Subjects["list"]>[0] = {}): Promise<readonly string[]> {
    const views = await this.#views.all(prefix);
    return views
      .filter(({ versions }) => {
        const live = versions.some((one) => one.deleted !== true);
        return deletedOnly ? versions.length > 0 && !live : live || (deleted && versions.length > 0);
      })
      .map(({ subject }) => subject);
  }

  async all({ deleted = false, prefix = "" }: Parameters<Subjects["all"]>[0] = {}): Promise<readonly SubjectVersion[]> {
    const found: SubjectVersion[] = [];
    for (const view of await this.#views.all(prefix)) for (const one of seen(view, { deleted })) found.push(await this.#views.show(view.subject, one));
    return found;
  }

  async versions(subject: string, options: Seen = {}): Promise<readonly SubjectVersion[]> {
    const view = await this.#views.load(subject);
    const versions = seen(view, options);
    if (versions.length === 0) throw subjectUnknown(subject);
    return Promise.all(versions.map((one) => this.#views.show(subject, one)));
  }

  async version(subject: string, version: VersionNumber, options: Seen = {}): Promise<SubjectVersion> {
    return this.#views.show(subject, versionOf(await this.#views.load(subject), version, options));
  }

  async find(subject: string, submitted: SubmittedSchema, options: Seen = {}): Promise<SubjectVersion> {
    const view = await this.#views.load(subject);
    const versions = seen(view, options);
    if (versions.length === 0) throw subjectUnknown(subject);
    const { schema } = await this.#views.parse(submitted);
    const id = await this.#options.schemas.find(schema);
    const found = versions.findLast((one) => one.schemaId === id);
    if (found === undefined) throw new MainstemError("registry.schemaUnknown", `Schema not found: it is no version of subject '${subject}'.`, { subject });
    return this.#views.show(subject, found);
  }

  async register(
    subject: string,
    submitted: SubmittedSchema,
    { version, id }: { readonly version?: number; readonly id?: number } = {},
  ): Promise<SubjectVersion> {
    nameOfSubject(subject);
    if (id !== undefined && !isId(id)) throw new MainstemError("registry.notPermitted", `The id ${String(id)} is not a number from 1 to 2^31-1.`, { id });
    if (version !== undefined && !isId(version))
      throw new MainstemError("registry.versionInvalid", `The version ${String(version)} is not a number from 1 to 2^31-1.`, { subject, version });
    const parsed = await this.#views.parse(submitted);
    return await this.#retry(subject, async () => {
      const view = await this.#finished(subject);
      const known = await this.#versionWith(view, parsed.schema);
      // Nothing is changed by it: so producers that register what they write with run in every mode.
      if (known !== undefined && (id === undefined || id === known.id)) return known;
      const importing = (await this.#writable(subject)) === "IMPORT";
      if ((id !== undefined) !== importing)
        throw new MainstemError("registry.notPermitted", `Subject '${subject}' is not in ${importing ? "read-write" : "import"} mode.`, { subject });
      // Says that it has another id.
      if (known !== undefined) await this.#options.schemas.idOf(parsed.schema, { id });
      if (!importing && version !== undefined && version !== nextVersion(view))
        throw new MainstemError("registry.schemaInvalid", `Version is not one more than previous version: ${nextVersion(view)} is the next.`, { subject });
      if (view.dataset !== undefined) return await this.#registerWithDataset(view, view.dataset, { schema: parsed.schema, id });
      if (!importing) {
        const reasons = await this.#conflicts(view, parsed.schema, "all");
        if (reasons.length > 0) throw incompatible(subject, reasons);
      }
      return await this.#append(view, parsed, { version, id });
    });
  }

  async check(subject: string, submitted: SubmittedSchema, against: VersionNumber | "all"): Promise<readonly string[]> {
    const view = await this.#views.load(subject);
    if (typeof against === "number") versionOf(view, against, {});
    const { schema } = await this.#views.parse(submitted);
    if ((await this.#versionWith(view, schema)) !== undefined && view.dataset !== undefined) return [];
    const latest = seen(view, {}).at(-1)?.version;
    if (view.dataset !== undefined && (against === "all" || against === "latest" || against === latest))
      return await this.#datasetSchemas.refusals(view.dataset, schema);
    return await this.#conflicts(view, schema, against);
  }

  async remove(subject: string, { permanent = false }: { readonly permanent?: boolean } = {}): Promise<readonly number[]> {
    await this.#writable(subject);
    const removed = await this.#retry(subject, async () => {
      const view = await this.#deletable(subject);
      const live = seen(view, {});
      if (view.versions.length === 0) throw subjectUnknown(subject);
      if (!permanent && live.length === 0)
        throw new MainstemError("registry.subjectDeleted", `Subject '${subject}' was soft deleted. Set permanent=true to delete permanently`, { subject });
      if (permanent && live.length > 0)
        throw new MainstemError("registry.subjectNotDeleted", `Subject '${subject}' was not deleted first before being permanently deleted`, { subject });
      const gone = permanent ? view.versions : live;
      for (const { version } of gone) await this.#checkUnreferenced({ subject, version, permanent });
      const committed = await this.#views.put(view, permanent ? [] : view.stored.map((one) => ({ ...one, deleted: true as const })));
      return committed ? gone.map(({ version }) => version) : undefined;
    });
    await this.settings.clear(subject);
    return removed;
  }

  async removeVersion(subject: string, wanted: VersionNumber, { permanent = false }: { readonly permanent?: boolean } = {}): Promise<number> {
    await this.#writable(subject);
    return await this.#retry(subject, async () => {
      const view = await this.#deletable(subject);
      const { version, deleted } = versionOf(view, wanted, { deleted: true });
      if (!permanent && deleted === true)
        throw new MainstemError(
          "registry.versionDeleted",
          `Subject '${subject}' Version ${version} was soft deleted. Set permanent=true to delete permanently`,
          {
            subject,
            version,
          },
        );
      if (permanent && deleted !== true)
        throw new MainstemError(
          "registry.versionNotDeleted",
          `Subject '${subject}' Version ${version} was not deleted first before being permanently deleted`,
          {
            subject,
            version,
          },
        );
      await this.#checkUnreferenced({ subject, version, permanent });
      const rest = view.stored.filter((one) => one.version !== version);
      const softly = view.stored.map((one): StoredVersion => (one.version === version ? { ...one, deleted: true } : one));
      return (await this.#views.put(view, permanent ? rest : softly)) ? version : undefined;
    });
  }

  async schema(
    id: number,
    { subject }: { readonly subject?: string } = {},
  ): Promise<{ readonly schema: string; readonly references: readonly SchemaReference[] }> {
    const schema = await this.#views.schemaOf(id);
    const uses = await this.#views.uses(id);
    if (uses.length === 0) throw schemaUnknown(id);
    const named = uses.find((one) => one.subject === subject) ?? uses.find(({ use }) => use.references !== undefined);
    const references = named?.use.references ?? [];
    return { schema: await this.#views.text(schema, references), references };
  }

  highestId(): Promise<number> {
    return this.#options.schemas.highest();
  }

  async usesOf(id: number, { deleted = false }: Seen = {}): Promise<readonly SubjectVersion[]> {
    const uses = await this.#views.uses(id);
    if (uses.length === 0) throw schemaUnknown(id);
    const wanted = uses.filter(({ use }) => deleted || use.deleted !== true);
    return Promise.all(wanted.map(({ subject, use }) => this.#views.show(subject, use)));
  }

  async referencedBy(subject: string, wanted: VersionNumber, { deleted = false }: Seen = {}): Promise<readonly number[]> {
    const { version } = versionOf(await this.#views.load(subject), wanted, { deleted: true });
    return [...(await this.#views.referencing({ subject, version, deleted }))].toSorted((a, b) => a - b);
  }

  /** Whether schemas are registered for a dataset that is not there. */
  async isWaiting(dataset: string): Promise<boolean> {
    // Asked of any name that a request has; some could not even be a subject's.
    return mayBeDeclared(dataset) && waits(await this.#views.load(subjectOfDataset(dataset)));
  }

  async waiting(): Promise<readonly WaitingDataset[]> {
    const views = (await this.#views.withoutDataset()).filter(waits);
    return views.map((view) => {
      const { version, schemaId } = versionOf(view, "latest", {});
      return { name: datasetOfSubject(view.subject) ?? "", subject: view.subject, version, schemaId };
    });
  }

  /** `contract.incompatible` when a new dataset's schema does not fit what was registered under its subject before. */
  async checkAdmission(contract: Contract): Promise<void> {
    const subject = subjectOfDataset(contract.name);
    await this.#checkFits(contract, await this.#views.load(subject));
  }

  /**
   * Claims the subject for a dataset that is about to be made: its schema becomes a version, and versions go on from what was registered.
   * Gives the claim that holds, which is another's if that was first: the dataset is then made as that says. Errors as above.
   */
  async claim(wanted: Claim, schemaId: number): Promise<Claim> {
    const { contract } = wanted;
    const subject = subjectOfDataset(contract.name);
    return await this.#retry(subject, async () => {
      const view = await this.#views.load(subject);
      const { claim, stored } = view;
      if (claim !== undefined) return isDeepStrictEqual(formatContract(claim.contract), formatContract(contract)) ? wanted : claim;
      await this.#checkFits(contract, view);
      const known = seen(view, {}).some((one) => one.schemaId === schemaId);
      const committed = await this.#views.put(view, known ? stored : [...stored, { version: nextVersion(view), schemaId }], wanted);
      return committed ? wanted : undefined;
    });
  }

  /** The subject as it stands when no dataset is half made of it: who comes between claim and dataset, or after a crash there, finishes it. */
  async #finished(subject: string): Promise<View> {
    const view = await this.#views.load(subject);
    if (view.claim === undefined || view.dataset !== undefined) return view;
    await this.#options.datasets.finish(view.claim);
    return await this.#views.load(subject);
  }

  /** The subject is then the dataset's schema: it reads what was registered, and nothing that is newer is taken back by it. */
  async #checkFits(contract: Contract, view: View): Promise<void> {
    const versions = seen(view, {});
    const earlier = await this.#views.schemasOf(versions);
    const conflicts = checkCompatibility(contract.schema, { earlier, level: contract.compatibility });
    const changes = conflicts.map(({ field, reason, remedy }) => ({ path: field === "" ? "schema" : `schema.${field}`, reason, remedy }));
    const texts = earlier.map((schema) => schemaText(schema));
    const [latest, own] = [versions.at(-1)?.version, texts.indexOf(schemaText(contract.schema))];
    if (own >= 0 && own < texts.length - 1)
      changes.push({
        path: "schema",
        reason: `It is version ${versions[own]?.version}, which version ${latest} came after.`,
        remedy: `Declare it as version ${latest} has it.`,
      });
    else
      changes.push(
        ...fieldsGone(contract, earlier.at(-1)).map((name) => ({
          path: `schema.${name}`,
          reason: `Field ${name} of version ${latest} is gone.`,
          remedy: "Declare it too.",
        })),
      );
    if (changes.length === 0) return;
    const sentences = changes.map(({ path, reason, remedy }) => `${path}: ${reason} ${remedy}`).join(" ");
    const message = `Dataset ${contract.name} does not fit what is registered under ${view.subject}. ${sentences} Before there is a dataset, what is registered there can also be deleted.`;
    throw new MainstemError("contract.incompatible", message, { dataset: contract.name, changes });
  }

  async #versionWith(view: View, schema: AvroSchema): Promise<SubjectVersion | undefined> {
    const id = await this.#options.schemas.find(schema);
    const found = id === undefined ? undefined : seen(view, {}).findLast((one) => one.schemaId === id);
    return found === undefined ? undefined : await this.#views.show(view.subject, found);
  }

  /** Undefined when the dataset has another schema again. */
  async #registerWithDataset(
    view: View,
    dataset: Dataset,
    { schema, id }: { readonly schema: AvroSchema; readonly id: number | undefined },
  ): Promise<SubjectVersion | undefined> {
    const { datasets, schemas } = this.#options;
    if (id !== undefined && (await this.#datasetSchemas.refusals(dataset, schema)).length === 0) await schemas.idOf(schema, { id });
    const provenance = `registered under the subject ${view.subject}`;
    await datasets.revise(dataset.contract.name, (contract) => this.#datasetSchemas.contractWith(contract, schema), { provenance });
    return await this.#versionWith(await this.#views.load(view.subject), schema);
  }

  async #append(
    view: View,
    { schema, references }: Parsed,
    { version: wanted, id }: { readonly version: number | undefined; readonly id: number | undefined },
  ): Promise<SubjectVersion | undefined> {
    const { subject, stored } = view;
    if (wanted !== undefined && stored.some(({ version }) => version === wanted))
      throw new MainstemError("registry.notPermitted", `Subject '${subject}' has a version ${wanted} already.`, { subject, version: wanted });
    const schemaId = await this.#options.schemas.idOf(schema, { id });
    const added: StoredVersion = { version: wanted ?? nextVersion(view), schemaId, ...(references.length === 0 ? {} : { references }) };
    const committed = await this.#views.put(
      view,
      [...stored, added].toSorted((a, b) => a.version - b.version),
    );
    return committed ? await this.#views.show(subject, added) : undefined;
  }

  /** Repeats what another change came in between of, which is told by undefined. */
  async #retry<T>(subject: string, work: () => Promise<T | undefined>): Promise<T> {
    for (let attempt = 0; attempt < limits.registryConflictsMax; attempt += 1) {
      const result = await work();
      if (result !== undefined) return result;
    }
    throw new MainstemError("registry.conflict", `Subject ${subject} was changed by others ${limits.registryConflictsMax} times while this change was made.`, {
      subject,
    });
  }

  async #conflicts(view: View, schema: AvroSchema, against: VersionNumber | "all"): Promise<readonly string[]> {
    const live = seen(view, {});
    const chosen = against === "all" ? live : against === "latest" ? live.slice(-1) : [versionOf(view, against, {})];
    const { effective: level } = await this.settings.level(view.subject);
    const conflicts = checkCompatibility(schema, { earlier: await this.#views.schemasOf(chosen), level });
    const sentences = conflicts.map(({ kind, path, reason, remedy, against: index, direction }) => {
      const which = `version ${chosen[index]?.version}`;
      const who = direction === "backward" ? `data of ${which} could not be read with the new schema` : `new data could not be read with ${which}`;
      return `${kind} at ${path} (${who}): ${reason} ${remedy}`;
    });
    return sentences;
  }

  async #checkUnreferenced(deletion: { readonly subject: string; readonly version: number; readonly permanent: boolean }): Promise<void> {
    const { subject, version, permanent } = deletion;
    // A softly deleted one can still be asked for, with the types that it names.
    const ids = [...(await this.#views.referencing({ subject, version, deleted: permanent }))];
    if (ids.length > 0)
      throw new MainstemError("registry.referenced", `One or more references exist to the schema {subject=${subject},version=${version}}.`, {
        subject,
        version,
        ids,
      });
  }

  async #deletable(subject: string): Promise<View> {
    const view = await this.#finished(subject);
    if (view.dataset !== undefined)
      throw new MainstemError(
        "registry.notPermitted",
        `Subject '${subject}' is the schema of dataset ${view.dataset.contract.name}, whose records need its versions: they cannot be deleted.`,
        { subject },
      );
    return view;
  }

  async #writable(subject: string): Promise<SubjectMode> {
    const { effective } = await this.settings.mode(subject);
    if (isReadonly(effective)) throw new MainstemError("registry.notPermitted", `Subject '${subject}' is in read-only mode.`, { subject });
    return effective;
  }
}

function incompatible(subject: string, reasons: readonly string[]): MainstemError {
  return new MainstemError(
    "registry.incompatible",
    `Schema being registered is incompatible with an earlier schema for subject "${subject}". ${reasons.join(" ")}`,
    {
      subject,
      reasons,
    },
  );
}

/** Fields of a schema that the contract has under no name. */
function fieldsGone({ schema }: Contract, before: AvroSchema | undefined): readonly string[] {
  if (before === undefined || isUnion(before) || before.type !== "record") return [];
  const names = new Set(schema.fields.flatMap(namesOf));
  return before.fields.filter((field) => !namesOf(field).some((name) => names.has(name))).map(({ name }) => name);
}

/** Whether its schemas wait for a dataset; not every subject's name is one of a dataset's. */
function waits(view: View): boolean {
  return view.dataset === undefined && seen(view, {}).length > 0 && mayBeDeclared(datasetOfSubject(view.subject));
}

function mayBeDeclared(name: string | undefined): boolean {
  return isDatasetName(name) && !isReservedName(name);
}

import { isDeepStrictEqual } from "node:util";
import {
  alignContract,
  checkLevel,
  checkSchemaChange,
  isUnion,
  type AvroRecordSchema,
  type Contract,
  type RefusedChange,
  type SchemaChange,
} from "@mainstem/contract";
import type { Log } from "../log/index.ts";
import type { ObjectStore } from "../objects/index.ts";
import type { Env } from "../runtime/env.ts";
import { MainstemError, factsOf, toErrorValue } from "../runtime/errors.ts";
import { limits } from "../runtime/limits.ts";
import type { Logger } from "../runtime/logger.ts";
import { perhaps } from "../runtime/nearest-name.ts";
import type { Definition, StateStore, Swap } from "../state/index.ts";
import type { Applied, ApplyOptions, Dataset, DatasetVersion, Judgement, NewDataset, Registry } from "./dataset.ts";
import { createDefinitionObjects, type DefinitionObjects } from "./definition-objects.ts";
import { openSchemas, schemaKind, type Schemas } from "./schemas.ts";
import { datasetKind, formatDataset, parseDataset, toDatasetVersion, toGenerations, withTopic, type StoredDataset } from "./stored-dataset.ts";
import { registryConfigKind, subjectConfigKind, subjectKind, type Claim } from "./stored-subject.ts";
import { checkPredecessor, claimPredecessor } from "./succession.ts";
import { StateSubjects } from "./subjects.ts";
import { ensureTopics, type TopicSettings } from "./topics.ts";

export interface RegistryOptions {
  readonly state: StateStore;
  readonly log: Log;
  readonly objects: ObjectStore;
  readonly env: Env;
  readonly logger: Logger;
  /** Of the topics of new datasets; existing ones keep theirs. */
  readonly partitions: number;
  /** Of the topics of all datasets; unlimited by default. */
  readonly retention?: TopicSettings["retention"];
}

/**
 * Opens the registry over stores that stay the caller's. Before it resolves, every dataset has its topics, every definition is an object,
 * and what only the objects hold (the state was lost) is in the state again.
 */
export async function openRegistry(options: RegistryOptions): Promise<Registry> {
  const { state, objects, logger, env } = options;
  const stored = createDefinitionObjects({ state, objects, logger });
  await stored.reconcile([schemaKind, subjectKind, subjectConfigKind, registryConfigKind, datasetKind]);
  const registry = new StateRegistry(options, { stored, schemas: await openSchemas({ state, stored, env }) });
  await registry.list();
  return registry;
}

/**
 * The order of every change, so that a crash between two steps leaves what `apply` and `openRegistry` finish:
 * schema id, topics (idempotent by name), a new dataset's claims of its predecessor and its subject, definition (the moment at which the change counts), object.
 */
class StateRegistry implements Registry {
  readonly subjects: StateSubjects;
  readonly #options: RegistryOptions;
  readonly #stored: DefinitionObjects;
  readonly #schemas: Schemas;
  readonly #datasets = new Map<string, Dataset>();
  readonly #settling = new Map<string, Promise<Dataset>>();
  readonly #listeners = new Set<(dataset: Dataset) => void>();
  #closed = false;

  constructor(options: RegistryOptions, { stored, schemas }: { readonly stored: DefinitionObjects; readonly schemas: Schemas }) {
    this.#options = options;
    this.#stored = stored;
    this.#schemas = schemas;
    this.subjects = new StateSubjects({ ...options, stored, schemas, datasets: this });
  }

  async apply(contract: Contract, options: ApplyOptions = {}): Promise<Applied> {
    return await this.#apply(contract.name, () => contract, options);
  }

  /** Changes a part of the contract in force, and keeps what others change of the rest at the same time. */
  async revise(name: string, change: (contract: Contract) => Contract, options: ApplyOptions): Promise<Applied> {
    const { contract } = await this.require(name);
    return await this.#apply(name, (inForce) => change(inForce ?? contract), options);
  }

  async #apply(name: string, wanted: (inForce: Contract | undefined) => Contract, { provenance, rebuild = false }: ApplyOptions): Promise<Applied> {
    this.#checkOpen();
    for (let attempt = 0; attempt < limits.registryConflictsMax; attempt += 1) {
      const current = await this.#options.state.definitions.get(datasetKind, name);
      const contract = wanted(current === undefined ? undefined : parseDataset(current).contract);
      const applied = current === undefined ? await this.#create(contract, provenance) : await this.#change(current, { contract, provenance, rebuild });
      if (applied !== undefined) return applied;
    }
    throw new MainstemError("registry.conflict", `Dataset ${name} was changed by others ${limits.registryConflictsMax} times while this change was made.`, {
      dataset: name,
    });
  }

  async judge(contract: Contract, created: readonly NewDataset[] = []): Promise<Judgement> {
    const dataset = await this.get(contract.name);
    if (dataset === undefined) return await this.#judgeNew(contract, created);
    const change = await this.#judgeChange(dataset.contract, contract);
    switch (change.kind) {
      case "refused":
        return { kind: "refused", dataset, refused: change.refused };
      case "identical":
        return { kind: "unchanged", dataset };
      case "compatible":
        return { kind: "changed", dataset, fields: change.fields, changes: change.changes };
      case "rebuild":
        return { kind: "changed", dataset, fields: change.fields, changes: change.changes, rebuilt: change.rebuilt };
      default:
        return change satisfies never;
    }
  }

  /** The change as a whole: against the contract in force, and under a level that asks so against every schema that the dataset has had. */
  async #judgeChange(before: Contract, after: Contract): Promise<SchemaChange> {
    const change = checkSchemaChange(before, after);
    if (change.kind === "refused" || change.kind === "identical") return change;
    const earlier = (await this.history(before.name)).map(({ contract: { schema } }) => schema);
    const refused = checkLevel(before, alignContract(before, after), earlier);
    return refused.length === 0 ? change : { kind: "refused", refused };
  }

  async #judgeNew(contract: Contract, created: readonly NewDataset[]): Promise<Judgement> {
    try {
      await this.#checkName(contract, created);
      await checkPredecessor(contract, this, created);
      await this.subjects.checkAdmission(contract);
      return { kind: "created" };
    } catch (error) {
      if (!(error instanceof MainstemError) || factsOf(error).status !== 409) throw error;
      const { remedy, code } = factsOf(error);
      const changes = error.facts["changes"] as readonly RefusedChange[] | undefined;
      const path = code === "registry.nameTaken" ? "name" : code === "registry.predecessorInvalid" ? "predecessor" : "schema";
      return { kind: "refused", dataset: undefined, refused: changes ?? [{ path, reason: error.message, remedy }] };
    }
  }

  async get(name: string): Promise<Dataset | undefined> {
    this.#checkOpen();
    const definition = await this.#options.state.definitions.get(datasetKind, name);
    return definition === undefined ? undefined : await this.#known(definition);
  }

  async require(name: string): Promise<Dataset> {
    const dataset = await this.get(name);
    if (dataset !== undefined) return dataset;
    const shown = name.slice(0, 300);
    const waits = (await this.subjects.isWaiting(name)) ? ` A schema is registered for it under ${shown}-value and waits for its contract.` : "";
    throw new MainstemError("registry.datasetUnknown", `There is no dataset ${JSON.stringify(shown)}${perhaps(shown, [...this.#datasets.keys()])}.${waits}`, {
      dataset: shown,
    });
  }

  async list(): Promise<readonly Dataset[]> {
    this.#checkOpen();
    const datasets: Dataset[] = [];
    for (const definition of await this.#options.state.definitions.list(datasetKind)) datasets.push(await this.#known(definition));
    return datasets;
  }

  async history(name: string): Promise<readonly DatasetVersion[]> {
    this.#checkOpen();
    return (await this.#options.state.definitions.history(datasetKind, name)).map(toDatasetVersion);
  }

  async schema(id: number): Promise<AvroRecordSchema | undefined> {
    this.#checkOpen();
    const schema = await this.#schemas.get(id);
    return schema !== undefined && !isUnion(schema) && schema.type === "record" ? schema : undefined;
  }

  async finish(claim: Claim): Promise<void> {
    await this.#put({ provenance: undefined, ...claim, generations: [] }, undefined);
  }

  async successorOf(name: string): Promise<Dataset | undefined> {
    return (await this.list()).find(({ contract }) => contract.predecessor === name);
  }

  async close(name: string, { topicId, ends }: Parameters<Registry["close"]>[1]): Promise<Dataset> {
    const successor = (await this.successorOf(name))?.contract.name;
    if (successor === undefined)
      throw new MainstemError("registry.closeRefused", `No dataset names ${name} as its predecessor, so it cannot be closed.`, { dataset: name });
    const at = Math.floor(this.#options.env.now());
    return await this.amend(name, (stored) => {
      if (stored.closing !== undefined) return undefined;
      if (stored.generations.at(-1) !== topicId)
        throw new MainstemError("registry.closeRefused", `The topic of ${name} was made again meanwhile.`, { dataset: name });
      return { ...stored, provenance: undefined, successor, closing: { at, topicId, ends } };
    });
  }

  async reopen(name: string): Promise<Dataset> {
    return await this.amend(name, (stored) => (stored.closing === undefined ? undefined : { ...stored, provenance: undefined, closing: undefined }));
  }

  async amend(name: string, change: (stored: StoredDataset) => StoredDataset | undefined): Promise<Dataset> {
    await this.require(name);
    for (let attempt = 0; attempt < limits.registryConflictsMax; attempt += 1) {
      const current = (await this.#options.state.definitions.get(datasetKind, name))!;
      const changed = change(parseDataset(current));
      await this.#stored.store(current);
      const swap = changed === undefined ? undefined : await this.#put(changed, current);
      if (swap?.kind !== "conflict") return await this.#settle(swap?.value ?? current);
    }
    throw new MainstemError("registry.conflict", `Dataset ${name} was changed by others ${limits.registryConflictsMax} times while this change was made.`, {
      dataset: name,
    });
  }

  onChange(listener: (dataset: Dataset) => void): () => void {
    // A function of its own for each call: the same listener may be given twice.
    const own = (dataset: Dataset): void => listener(dataset);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#listeners.clear();
    await Promise.allSettled(this.#settling.values());
  }

  /** Names that differ only in case would be one view to queries, and one folder to file systems that take them so. */
  async #checkName({ name }: NewDataset, created: readonly NewDataset[] = []): Promise<void> {
    const others = [...(await this.#options.state.definitions.list(datasetKind)), ...created];
    const taken = others.find((one) => one.name !== name && one.name.toLowerCase() === name.toLowerCase())?.name;
    if (taken === undefined) return;
    throw new MainstemError("registry.nameTaken", `There cannot be both ${taken} and ${name}, whose names differ only in case.`, { dataset: name, taken });
  }

  /** Undefined when somebody else made it first. */
  async #create(contract: Contract, provenance: string | undefined): Promise<Applied | undefined> {
    await this.#checkName(contract);
    await checkPredecessor(contract, this);
    await this.subjects.checkAdmission(contract);
    const schemaId = await this.#schemas.idOf(contract.schema);
    // As late as can be: what fails before leaves no schema behind that the next try would have to fit.
    await ensureTopics(this.#options.log, contract, this.#topicSettings());
    await claimPredecessor(contract, this, provenance);
    const claim = await this.subjects.claim({ contract, provenance }, schemaId);
    const swap = await this.#put({ provenance: undefined, ...claim, generations: [] }, undefined);
    if (swap.kind === "conflict" || claim.contract !== contract) return undefined;
    return { kind: "created", dataset: await this.#settle(swap.value) };
  }

  async #change(
    current: Definition,
    { contract, provenance, rebuild }: Pick<StoredDataset, "contract" | "provenance"> & { readonly rebuild: boolean },
  ): Promise<Applied | undefined> {
    const before = parseDataset(current);
    const change = await this.#judgeChange(before.contract, contract);
    switch (change.kind) {
      case "refused":
        throw incompatible(contract.name, change.refused);
      case "identical":
        await this.#stored.store(current);
        return { kind: "unchanged", dataset: await this.#settle(current) };
      case "rebuild":
      case "compatible": {
        const rebuilt = change.kind === "rebuild" ? change.rebuilt : [];
        if (rebuilt.length > 0 && !rebuild) throw rebuildNeeded(contract.name, rebuilt);
        // The version before is an object before there is a next one: so no crash leaves more than the last one out.
        await this.#stored.store(current);
        const swap = await this.#put({ ...before, contract: alignContract(before.contract, contract), provenance }, current);
        if (swap.kind === "conflict") return undefined;
        const dataset = await this.#settle(swap.value);
        return { kind: "changed", dataset, changes: change.changes, ...(rebuilt.length === 0 ? {} : { rebuilt }) };
      }
      default:
        return change satisfies never;
    }
  }

  async #put({ contract, generations, ...rest }: Omit<StoredDataset, "schemaId">, current: Definition | undefined): Promise<Swap<Definition>> {
    const { state, log, env } = this.#options;
    const schemaId = await this.#schemas.idOf(contract.schema);
    const { records } = await ensureTopics(log, contract, this.#topicSettings());
    const spec = formatDataset({ ...rest, contract, schemaId, generations: withTopic(generations, records) });
    const swap = await state.definitions.put({ kind: datasetKind, name: contract.name, spec, appliedAt: Math.floor(env.now()) }, current?.version ?? "absent");
    if (swap.kind === "committed") await this.#stored.store(swap.value);
    return swap;
  }

  /** The dataset of a definition; one that this process has not seen in this version is settled first, once for all who ask. */
  async #known(definition: Definition): Promise<Dataset> {
    const known = this.#datasets.get(definition.name);
    if (known !== undefined && known.version >= definition.version) return known;
    const key = `${definition.name}/${definition.version}`;
    const settling = this.#settling.get(key) ?? this.#settle(definition).finally(() => this.#settling.delete(key));
    this.#settling.set(key, settling);
    return await settling;
  }

  /** Makes topics that are missing, and puts a new topic's id into the definition. */
  async #settle(definition: Definition): Promise<Dataset> {
    const { state, log, logger, env } = this.#options;
    let current = definition;
    for (let attempt = 0; attempt < limits.registryConflictsMax; attempt += 1) {
      const stored = parseDataset(current);
      const topics = await ensureTopics(log, stored.contract, this.#topicSettings());
      const generations = withTopic(stored.generations, topics.records);
      if (generations === stored.generations) return this.#remember(toDataset(current, stored, topics));
      logger.warn("dataset has a new topic", { dataset: current.name, topicId: topics.records.id, generation: generations.length });
      await this.#stored.store(current);
      const { kind, name } = current;
      const swap = await state.definitions.put(
        { kind, name, spec: formatDataset({ ...stored, generations, provenance: undefined }), appliedAt: Math.floor(env.now()) },
        current.version,
      );
      if (swap.kind === "committed") await this.#stored.store(swap.value);
      current = (swap.kind === "committed" ? swap.value : swap.winner) ?? current;
    }
    throw new MainstemError("registry.conflict", `Dataset ${definition.name} was changed by others again and again while its topics were made.`, {
      dataset: definition.name,
    });
  }

  #remember(dataset: Dataset): Dataset {
    const { name } = dataset.contract;
    const known = this.#datasets.get(name);
    if (known !== undefined && (known.version > dataset.version || isDeepStrictEqual(known, dataset))) return known;
    this.#datasets.set(name, dataset);
    for (const listener of this.#listeners) this.#tell(listener, dataset);
    return dataset;
  }

  #tell(listener: (dataset: Dataset) => void, dataset: Dataset): void {
    try {
      listener(dataset);
    } catch (error) {
      // What listens must not make the change fail, which has happened.
      this.#options.logger.error("listener to dataset changes failed", { dataset: dataset.contract.name, ...toErrorValue(error) });
    }
  }

  #topicSettings(): TopicSettings {
    return { partitions: this.#options.partitions, retention: this.#options.retention ?? {} };
  }

  #checkOpen(): void {
    if (this.#closed) throw new MainstemError("resource.closed", "The registry is closed.");
  }
}

function toDataset({ version, appliedAt }: Definition, stored: StoredDataset, topics: Dataset["topics"]): Dataset {
  const { contract, schemaId, generations, successor, closing } = stored;
  const dataset = { contract, version, schemaId, topics, generations: toGenerations(generations), appliedAt };
  if (successor === undefined) return dataset;
  return { ...dataset, successor, ...(closing === undefined ? {} : { closed: { successor, ...closing } }) };
}

function rebuildNeeded(dataset: string, rebuilt: readonly string[]): MainstemError {
  const what = `Changing ${rebuilt.join(", ")} of ${dataset}`;
  return new MainstemError("registry.rebuildNeeded", `${what} needs its table to be built again from the archive, which has to be asked for.`, {
    dataset,
    rebuilt,
  });
}

function incompatible(dataset: string, changes: readonly RefusedChange[]): MainstemError {
  const sentences = changes.map(({ path, reason, remedy }) => `${path}: ${reason} ${remedy}`);
  return new MainstemError("contract.incompatible", `Dataset ${dataset} cannot change so. ${sentences.join(" ")}`, { dataset, changes });
}

import { checkSchemaChange, followWithoutRebuild, type Contract } from "@mainstem/contract";
import { inheritedSummary, summaryKeys, type IcebergTables, type TableState } from "../iceberg/index.ts";
import type { Dataset, Registry } from "../registry/index.ts";
import { MainstemError } from "../runtime/errors.ts";

/**
 * The registry as the builder of a table may follow it: a dataset in the newest version that its rows can follow without being built again.
 * A table without rows follows at once; a change that needs a rebuild is followed by the table that the rebuild makes (docs/formats/table.md).
 * Until then the fields that the table has follow the newest schema in names and types, for new records are written with it.
 */
export function registryForTable(registry: Pick<Registry, "require" | "history">, tables: Pick<IcebergTables, "load">): Pick<Registry, "require"> {
  return {
    async require(name) {
      const dataset = await registry.require(name);
      const built = builtVersion(await tables.load(name));
      if (built === undefined || built >= dataset.version) return dataset;
      const followed = newestWithoutRebuild(built, await registry.history(name));
      if (followed === undefined || followed.version === dataset.version) return dataset;
      const { version, schemaId } = followed;
      const contract = followWithoutRebuild(followed.contract, dataset.contract);
      if (contract === undefined) {
        throw new MainstemError(
          "table.rebuildNeeded",
          `A field is gone that the rows of ${name} were made by, so the table can take no more before it is built again.`,
          {
            dataset: name,
          },
        );
      }
      return { ...dataset, contract, version, schemaId };
    },
  };
}

/** What of a dataset's contract, or of one that would be applied next, its table does not follow before it is built again; empty where it follows. */
export async function pendingRebuild(
  registry: Pick<Registry, "history">,
  dataset: Dataset,
  { state, next }: { readonly state: TableState | undefined; readonly next?: Contract | undefined },
): Promise<readonly string[]> {
  const { contract, version } = next === undefined ? dataset : { contract: next, version: dataset.version + 1 };
  const built = builtVersion(state);
  if (built === undefined || built >= version) return [];
  const versions = await registry.history(dataset.contract.name);
  const followed = newestWithoutRebuild(built, next === undefined ? versions : [...versions, { contract, version }]);
  if (followed === undefined || followed.version === version) return [];
  const change = checkSchemaChange(followed.contract, contract);
  return change.kind === "rebuild" ? change.rebuilt : ["contract"];
}

function builtVersion(state: TableState | undefined): number | undefined {
  const found = state === undefined ? undefined : inheritedSummary(state, state.current, summaryKeys.contractVersion);
  return found === undefined ? undefined : Number(found.value);
}

/**
 * The newest version that can be reached from the one that the rows were built with. Behind a version that needs a rebuild only one that takes it
 * back counts, without new fields: their values in records that were built meanwhile are not in the table.
 */
function newestWithoutRebuild<Of extends { readonly contract: Contract; readonly version: number }>(built: number, versions: readonly Of[]): Of | undefined {
  let followed = versions.find(({ version }) => version === built);
  let passed = false;
  for (const next of versions) {
    if (followed === undefined || next.version <= built) continue;
    if (!follows(followed.contract, next.contract, { fields: !passed })) passed = true;
    else followed = next;
  }
  return followed;
}

function follows(before: Contract, after: Contract, { fields }: { readonly fields: boolean }): boolean {
  const change = checkSchemaChange(before, after);
  return change.kind === "identical" || (change.kind === "compatible" && (fields || change.fields.added.length === 0));
}

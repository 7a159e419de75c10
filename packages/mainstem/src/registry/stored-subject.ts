import { compatibilities, formatContract, parseContract, type Compatibility, type Contract } from "@mainstem/contract";
import { MainstemError } from "../runtime/errors.ts";
import { limits } from "../runtime/limits.ts";
import type { Definition } from "../state/index.ts";
import { subjectModes, type SchemaReference, type SubjectMode } from "./subject.ts";

export const subjectKind = "subject";
export const subjectConfigKind = "subject-config";
/** Of the one definition `global`. */
export const registryConfigKind = "registry-config";

/** One version in a definition of kind `subject` (docs/formats/definitions.md). */
export interface StoredVersion {
  readonly version: number;
  readonly schemaId: number;
  readonly references?: readonly SchemaReference[];
  readonly deleted?: true;
}

/** A dataset that is being made of the subject: from here on nobody registers anything that its contract does not know, and anybody can finish it. */
export interface Claim {
  readonly contract: Contract;
  readonly provenance?: string | undefined;
}

export interface StoredSettings {
  readonly compatibility?: Compatibility;
  readonly mode?: SubjectMode;
}

/** A subject's name as the name of its definition: percent-encoded, so that it can be part of an object's key. */
export function nameOfSubject(subject: string): string {
  if (!subject.isWellFormed() || /[\u0000-\u001f\u007f]/.test(subject) || /^(?::\..*|:\*:.*|__GLOBAL|__EMPTY|)$/s.test(subject))
    throw new MainstemError(
      "registry.subjectInvalid",
      "A subject's name is text without control characters, not empty, not of another context (`:.`, `:*:`), and neither __GLOBAL nor __EMPTY.",
    );
  const name = encodeURIComponent(subject).replace(/^\./, "%2E");
  if (name.length > limits.subjectNameMax)
    throw new MainstemError(
      "registry.subjectInvalid",
      `The subject's name is too long: percent-encoded it takes ${name.length} characters, and may take ${limits.subjectNameMax}.`,
      {
        max: limits.subjectNameMax,
      },
    );
  return name;
}

export function subjectOfName(name: string): string {
  return decodeURIComponent(name);
}

export interface StoredSubject {
  readonly versions: readonly StoredVersion[];
  readonly claim?: Claim | undefined;
}

export function formatSubject({ versions, claim }: StoredSubject): unknown {
  return { versions, ...(claim === undefined ? {} : { claim: { ...claim, contract: formatContract(claim.contract) } }) };
}

/** `state.corrupt` when the stored definition is not one of a subject; a claim's contract that cannot be read keeps its own code. */
export function parseStoredSubject({ name, version, spec }: Definition): StoredSubject {
  const { versions, claim } = (typeof spec === "object" && spec !== null ? spec : {}) as { readonly versions?: unknown; readonly claim?: unknown };
  if (!Array.isArray(versions) || !versions.every(isStoredVersion) || !(claim === undefined || isStoredClaim(claim)))
    throw new MainstemError("state.corrupt", `The stored definition of subject ${name}, version ${version}, is damaged.`, { kind: subjectKind, name, version });
  return { versions, ...(claim === undefined ? {} : { claim: { ...claim, contract: parseContract(claim.contract) } }) };
}

export function parseStoredSettings({ kind, name, version, spec }: Definition): StoredSettings {
  const { compatibility, mode } = (typeof spec === "object" && spec !== null ? spec : {}) as Readonly<Record<string, unknown>>;
  const fits =
    (compatibility === undefined || compatibilities.some((one) => one === compatibility)) && (mode === undefined || subjectModes.some((one) => one === mode));
  if (!fits) throw new MainstemError("state.corrupt", `The stored definition ${kind} ${name}, version ${version}, is damaged.`, { kind, name, version });
  return spec as StoredSettings;
}

function isStoredVersion(value: unknown): value is StoredVersion {
  if (typeof value !== "object" || value === null) return false;
  const { version, schemaId, references = [] } = value as Readonly<Record<string, unknown>>;
  return Number.isSafeInteger(version) && Number.isSafeInteger(schemaId) && Array.isArray(references);
}

function isStoredClaim(value: unknown): value is { readonly contract: unknown; readonly provenance?: string } {
  if (typeof value !== "object" || value === null || !("contract" in value)) return false;
  return !("provenance" in value) || typeof value.provenance === "string";
}

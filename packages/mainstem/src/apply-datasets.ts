import { isDeepStrictEqual } from "node:util";
import { formatContract, formatExact, type Contract } from "@mainstem/contract";
import { fromErrorValue, MainstemError } from "./runtime/errors.ts";

export interface ApplyDatasetsOptions {
  /** Such as `http://127.0.0.1:7070`. */
  readonly server: string;
  /** Where the server asks for one. */
  readonly token?: string | undefined;
  readonly datasets: readonly Contract[];
  /** Where the declarations come from, such as the service's commit: kept in the history. */
  readonly provenance?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What became of one dataset. */
export interface AppliedDataset {
  readonly kind: "created" | "changed" | "unchanged";
  readonly name: string;
  readonly version: number;
  /** Of its schema, as the wire format carries it. */
  readonly schemaId: number;
  /** What changed, for people. */
  readonly changes?: readonly string[];
}

/**
 * Declares datasets at a server, as `mainstem apply` does: for a service that carries its own schemas and declares them when it starts.
 *
 * One after the other, in their order; the first that is refused ends it, with those before it applied. Idempotent: what is declared already
 * makes no version, so any number of instances may do it at once.
 * Errors: those of the server, by code (`contract.incompatible` with `facts.changes`, `registry.rebuildNeeded` with `facts.rebuilt`); `server.unreachable`;
 * `contract.invalid` where two of one name differ, of which each would undo the other: then nothing was sent.
 */
export async function applyDatasets({ server, token, datasets, provenance, signal }: ApplyDatasetsOptions): Promise<readonly AppliedDataset[]> {
  const twice = datasets.find((one) => datasets.some((other) => other.name === one.name && !isDeepStrictEqual(other, one)))?.name;
  if (twice !== undefined) throw new MainstemError("contract.invalid", `${twice} is declared twice, and not alike: keep one of the two.`, { dataset: twice });
  const applied: AppliedDataset[] = [];
  for (const contract of datasets) {
    const url = new URL(`${server.replace(/\/$/, "")}/v1/definitions/dataset/${encodeURIComponent(contract.name)}`);
    if (provenance !== undefined) url.searchParams.set("provenance", provenance);
    const headers = { "content-type": "application/json", ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
    const response = await send(url, { method: "PUT", headers, body: formatExact(formatContract(contract)), signal: signal ?? null });
    if (!response.ok) throw toError(response, await response.text());
    applied.push((await response.json()) as AppliedDataset);
  }
  return applied;
}

async function send(url: URL, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    init.signal?.throwIfAborted();
    throw new MainstemError("server.unreachable", `No Mainstem answers at ${url.origin}.`, { server: url.origin }, { cause });
  }
}

/** The server's problem as the error that it was there. */
function toError({ status, url }: Response, text: string): MainstemError {
  const { code, detail, ...facts } = parseProblem(text);
  const message = typeof detail === "string" ? detail : `The server answered ${status}.`;
  if (typeof code !== "string") return new MainstemError("server.unreachable", `What answers at ${new URL(url).origin} is no Mainstem: ${message}`, { status });
  return fromErrorValue({ code, message, facts });
}

function parseProblem(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}

// Mainstem's HTTP API as any program would use it: nothing here knows the platform but by its address.
import type { ContractJson } from "@mainstem/contract";
import { setTimeout as sleep } from "node:timers/promises";

export interface Receipt {
  readonly accepted: number;
  readonly quarantined: number;
  readonly refused: readonly {
    readonly index: number;
    readonly code: string;
    readonly errors: readonly { readonly path: string; readonly expected: string; readonly received: string }[];
  }[];
}

export interface DatasetState {
  readonly archive: { readonly partitions: readonly { readonly next: number }[] };
  readonly table?: { readonly completeThrough?: string | null; readonly snapshot?: { readonly id: string; readonly rows: number } | null } | null;
}

export interface QueryResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly unknown[])[];
}

export interface Api {
  apply(contract: ContractJson): Promise<void>;
  /** One request of NDJSON. The answer is the door's: also when it refused every record. */
  send(dataset: string, records: readonly unknown[], options?: { readonly invalid?: "inbox" }): Promise<Receipt>;
  describe(dataset: string): Promise<DatasetState>;
  /** How many records the log gives when it is read from the start to its end. */
  countLog(dataset: string): Promise<number>;
  query(sql: string, at?: Readonly<Record<string, string>>): Promise<QueryResult>;
  /** Waits until the table holds everything that was appended up to now. */
  waitForTable(dataset: string, options: { readonly onState: (state: DatasetState) => void }): Promise<DatasetState>;
}

const pollMs = 200;
const waitMsMax = 120_000;

export function createApi(url: string, { signal }: { readonly signal: AbortSignal }): Api {
  async function call(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await fetch(`${url}${path}`, { ...init, signal });
    if (!response.ok && response.status !== 422)
      throw new Error(`${init.method ?? "GET"} ${path} was answered with ${response.status}: ${await response.text()}`);
    return response;
  }

  const describe: Api["describe"] = async (dataset) => (await (await call(`/v1/datasets/${dataset}`)).json()) as DatasetState;

  return {
    describe,
    async apply(contract) {
      await call(`/v1/definitions/dataset/${contract.name}`, {
        method: "PUT",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(contract),
      });
    },
    async send(dataset, records, { invalid } = {}) {
      const response = await call(`/v1/datasets/${dataset}/records${invalid === undefined ? "" : `?invalid=${invalid}`}`, {
        method: "POST",
        headers: { "content-type": "application/x-ndjson" },
        body: records.map((record) => `${JSON.stringify(record)}\n`).join(""),
      });
      return (await response.json()) as Receipt;
    },
    async countLog(dataset) {
      const { body } = await call(`/v1/datasets/${dataset}/records`);
      let lines = 0;
      for await (const chunk of body ?? []) for (const byte of chunk) if (byte === 0x0a) lines++;
      return lines;
    },
    async query(sql, at) {
      const body = JSON.stringify({ sql, ...(at === undefined ? {} : { at }) });
      return (await (await call("/v1/query", { method: "POST", headers: { "content-type": "application/json" }, body })).json()) as QueryResult;
    },
    async waitForTable(dataset, { onState }) {
      const wanted = Date.now();
      for (const deadline = wanted + waitMsMax; Date.now() < deadline; await sleep(pollMs, undefined, { signal })) {
        const state = await describe(dataset);
        onState(state);
        if (Date.parse(state.table?.completeThrough ?? "") >= wanted) return state;
      }
      throw new Error(`The table of ${dataset} was not complete after ${waitMsMax / 1_000} s.`);
    },
  };
}

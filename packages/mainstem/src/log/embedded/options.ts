import { createAgeClock, type AgeClock } from "../../runtime/age-clock.ts";
import type { Env } from "../../runtime/env.ts";
import { MainstemError } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/logger.ts";
import { batchHeaderBytes } from "../batch-header.ts";
import { nodeFileSystem } from "./file-system.ts";
import type { FileSystem } from "./file-system.ts";

/** Sizes in bytes, times in milliseconds. */
export interface EmbeddedLogOptions {
  /** Made if it is not there. One process at a time. */
  readonly directory: string;
  readonly env: Env;
  readonly logger: Logger;
  /** A segment that would grow beyond this is closed; 128 MiB. A single batch may be larger. */
  readonly segmentBytesMax?: number | undefined;
  /** A segment is closed when its first batch is this old and another comes; a day. */
  readonly segmentMsMax?: number | undefined;
  /** All segments of all topics together; beyond it `append` is refused with `log.full`. No limit by default. */
  readonly diskBytesMax?: number | undefined;
  /** Batches that wait to be written; beyond it `append` waits. 64 MiB. */
  readonly queueBytesMax?: number | undefined;
  /** How often retention looks, besides whenever a segment is closed; a minute. */
  readonly retentionEveryMs?: number | undefined;
  /** By which retention judges age; one that trusts the clock at the start by default. */
  readonly ages?: AgeClock | undefined;
  /** That of the machine by default; a simulation brings its own. */
  readonly fileSystem?: FileSystem | undefined;
}

export type EmbeddedLogSettings = { readonly [Name in keyof EmbeddedLogOptions]-?: Exclude<EmbeddedLogOptions[Name], undefined> };

/** Fills in the defaults. Throws `config.invalid` naming every setting that cannot be. */
export function toSettings(options: EmbeddedLogOptions): EmbeddedLogSettings {
  const settings = {
    ...options,
    segmentBytesMax: options.segmentBytesMax ?? 134_217_728,
    segmentMsMax: options.segmentMsMax ?? 86_400_000,
    diskBytesMax: options.diskBytesMax ?? Number.MAX_SAFE_INTEGER,
    queueBytesMax: options.queueBytesMax ?? 67_108_864,
    retentionEveryMs: options.retentionEveryMs ?? 60_000,
    ages: options.ages ?? createAgeClock(options),
    fileSystem: options.fileSystem ?? nodeFileSystem,
  };
  const faults = [
    // Positions in Kafka's indexes are signed 32-bit integers.
    ...fault("segmentBytesMax", settings.segmentBytesMax, { least: batchHeaderBytes, most: 2_147_483_647 }),
    ...fault("segmentMsMax", settings.segmentMsMax, { least: 1, most: Number.MAX_SAFE_INTEGER }),
    ...fault("diskBytesMax", settings.diskBytesMax, { least: 0, most: Number.MAX_SAFE_INTEGER }),
    ...fault("queueBytesMax", settings.queueBytesMax, { least: 1, most: Number.MAX_SAFE_INTEGER }),
    ...fault("retentionEveryMs", settings.retentionEveryMs, { least: 1, most: 2_147_483_647 }),
  ];
  if (faults.length === 0) return settings;
  throw new MainstemError("config.invalid", `The log cannot be opened: ${faults.join("; ")}.`, { faults });
}

function fault(name: string, value: number, { least, most }: { readonly least: number; readonly most: number }): string[] {
  return Number.isSafeInteger(value) && value >= least && value <= most ? [] : [`${name} has to be an integer of ${least} to ${most}, not ${value}`];
}

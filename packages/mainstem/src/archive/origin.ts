import { MainstemError } from "../runtime/errors.ts";
import type { RecordHeader, TopicId } from "../log/index.ts";

/** The header of a replayed record that says where it comes from (docs/formats/replay.md). Of several, the first names the first origin. */
export const originHeader = "mainstem-origin";

export interface Origin {
  readonly topicId: TopicId;
  readonly partition: number;
  readonly offset: number;
}

/** Where a record was first, if it was replayed. A header of that name that says nothing of the kind is a producer's own. */
export function firstOrigin(headers: readonly RecordHeader[]): Origin | undefined {
  return toOrigin(parse(headers.find(({ key }) => key === originHeader)));
}

/** Where a replay has a record from; undefined for a record that it did not write. Throws `archive.corrupt` where the replay is named but no place. */
export function originOf(headers: readonly RecordHeader[], replay: string): Origin | undefined {
  const json = parse(headers.findLast(({ key }) => key === originHeader));
  if (json === undefined || !("replay" in json) || json.replay !== replay) return undefined;
  const origin = toOrigin(json);
  if (origin === undefined) throw new MainstemError("archive.corrupt", `A record of replay ${replay} does not say where it comes from.`, { replay });
  return origin;
}

function parse(header: RecordHeader | undefined): object | undefined {
  if (header === undefined || header.value === null) return undefined;
  try {
    const json: unknown = JSON.parse(Buffer.from(header.value).toString());
    return typeof json === "object" && json !== null ? json : undefined;
  } catch {
    return undefined;
  }
}

function toOrigin(json: object | undefined): Origin | undefined {
  const { topicId, partition, offset } = (json ?? {}) as { readonly [Name in keyof Origin]?: unknown };
  if (typeof topicId !== "string" || !isPlace(partition) || !isPlace(offset)) return undefined;
  return { topicId: topicId as TopicId, partition, offset };
}

function isPlace(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

import { MainstemError, type Code } from "./errors.ts";

/** The rooms whose layouts outlive a process have a code for what a later program wrote. */
type NewerCode = Extract<Code, `${string}.newer`>;

export interface Layout {
  readonly code: NewerCode;
  /** What was read, for the message: begins a sentence. */
  readonly what: string;
  /** The newest version of its format that is read here. */
  readonly known: number;
}

/** Throws where JSON that is stored says to have a later format than is known: nobody shall take it for damaged. Anything else is for the reader's own checks. */
export function refuseNewer(json: unknown, layout: Layout): void {
  if (typeof json === "object" && json !== null && "formatVersion" in json) refuseNewerVersion(json.formatVersion, layout);
}

export function refuseNewerVersion(version: unknown, { code, what, known }: Layout): void {
  if (typeof version !== "number" || !Number.isSafeInteger(version) || version <= known) return;
  throw new MainstemError(code, `${what} was written by a newer version of Mainstem: it has format ${version}, and this one knows formats up to ${known}.`, {
    version,
    known,
  });
}

import { usage } from "./client-error.ts";

/** A record as one line of JSON, without its line end. Integers that JSON's numbers cannot hold go as text, as the door takes them. */
export function toLine(record: unknown): string {
  if (typeof record !== "object" || record === null || Array.isArray(record)) throw usage("A record is an object.", { received: typeof record });
  try {
    return JSON.stringify(record);
  } catch (error) {
    // Whoever has bigints pays for looking at each value; everybody else does not.
    if (!(error instanceof TypeError) || !/BigInt/.test(error.message)) throw usage(`The record has no JSON form: ${String(error)}`);
    return JSON.stringify(record, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
  }
}

/** The lines of a stream of bytes, decoded. A line of more than `lineBytesMax` bytes throws `client.answer`. */
export async function* linesOf(body: AsyncIterable<Uint8Array>, { tooLong }: { readonly tooLong: () => Error }): AsyncGenerator<readonly string[]> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  for await (const part of body) {
    const lines = (rest + decoder.decode(part, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > lineCharactersMax) throw tooLong();
    if (lines.length > 0) yield lines;
  }
  if (rest + decoder.decode() !== "") yield [rest];
}

/** A record of the log is at most 1 MB of Avro; as JSON it may be some times that. */
const lineCharactersMax = 16_000_000;

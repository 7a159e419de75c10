// Bytes that are not what they should be.
import { createRandom } from "./random-schemas.ts";

/** The longest varints, negative counts and sizes, and a count of 2^60. */
const hostileParts = ["ffffffffffffffffff01", "feffffffffffffffff01", "80808080808080808002", "01", "03", "808080808080808020", "ffffffffff", "00", "ff"];

/** The bytes cut, with bits flipped, bytes replaced by hostile ones, or something put in. */
export function damaged(bytes: Uint8Array, seed: number): Uint8Array {
  const random = createRandom(seed);
  const copy = Buffer.from(bytes);
  const at = random(copy.length + 1);
  const part = Buffer.from(hostileParts[random(hostileParts.length)] as string, "hex");
  switch (random(5)) {
    case 0:
      return copy.subarray(0, at);
    case 1:
      if (at < copy.length) copy[at] = (copy[at] as number) ^ (1 << random(8));
      return copy;
    case 2:
      return Buffer.concat([copy.subarray(0, at), part, copy.subarray(at)]);
    case 3:
      return Buffer.concat([copy.subarray(0, at), part]);
    default:
      return Buffer.from(Array.from({ length: random(60) }, () => random(256)));
  }
}

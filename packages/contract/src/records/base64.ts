import type { ByteSink } from "../avro/byte-sink.ts";

/** RFC 4648, section 4: the standard alphabet, padded. */
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const values = new Int8Array(128).fill(-1);
for (let index = 0; index < alphabet.length; index++) values[alphabet.charCodeAt(index)] = index;

/** How many bytes a text stands for, should it be base64; undefined where its length or padding is wrong. */
export function base64Length(text: string): number | undefined {
  const { length } = text;
  if (length % 4 !== 0) return undefined;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return (length / 4) * 3 - padding;
}

/** Writes the bytes of a base64 text. False when it is not the one text of its bytes; what was written is then without meaning. */
export function writeBase64(text: string, sink: ByteSink): boolean {
  const bytes = base64Length(text);
  if (bytes === undefined) return false;
  const padding = (text.length / 4) * 3 - bytes;
  sink.ensure(bytes + 3);
  const start = sink.position;
  for (let index = 0; index < text.length; index += 4) {
    const last = index + 4 === text.length;
    const third = last && padding === 2 ? 0 : valueAt(text, index + 2);
    const fourth = last && padding > 0 ? 0 : valueAt(text, index + 3);
    const group = (valueAt(text, index) << 18) | (valueAt(text, index + 1) << 12) | (third << 6) | fourth;
    if (group < 0) return false;
    sink.bytes[sink.position++] = group >>> 16;
    sink.bytes[sink.position++] = (group >>> 8) & 255;
    sink.bytes[sink.position++] = group & 255;
  }
  const written = sink.position;
  sink.position = start + bytes;
  // The bits beyond the last byte are 0 in the one text that the bytes have.
  for (let index = sink.position; index < written; index++) {
    if (sink.bytes[index] !== 0) return false;
  }
  return true;
}

export function formatBase64(bytes: Uint8Array): string {
  let text = "";
  for (let index = 0; index < bytes.length; index += 3) {
    const left = bytes.length - index;
    const group = ((bytes[index] as number) << 16) | ((bytes[index + 1] ?? 0) << 8) | (bytes[index + 2] ?? 0);
    text += alphabet[group >>> 18] as string;
    text += alphabet[(group >>> 12) & 63] as string;
    text += left > 1 ? alphabet[(group >>> 6) & 63] : "=";
    text += left > 2 ? alphabet[group & 63] : "=";
  }
  return text;
}

/** The six bits of a character; negative for one that is not in the alphabet. */
function valueAt(text: string, index: number): number {
  return values[text.charCodeAt(index)] ?? -1;
}

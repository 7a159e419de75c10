import type { ByteSink } from "../avro/byte-sink.ts";

const text = /^(-?)(\d+)(?:\.(\d+))?$/;
/** Texts longer than this are no decimals: 38 digits at most, with room for zeros. */
const textLengthMax = 128;
export const decimalPrecisionMax = 38;
const powers = Array.from({ length: decimalPrecisionMax + 1 }, (_, exponent) => 10n ** BigInt(exponent));

/** `-12.50` as the unscaled integer (-1250 with scale 2); undefined when it is no such text, or has more digits than precision and scale hold. */
export function parseDecimal(value: string, options: { readonly precision: number; readonly scale: number }): bigint | undefined {
  const match = value.length <= textLengthMax ? text.exec(value) : null;
  if (match === null) return undefined;
  const whole = match[2] as string;
  const fraction = match[3] ?? "";
  if (/[1-9]/.test(fraction.slice(options.scale))) return undefined;
  const unscaled = BigInt(whole + fraction.slice(0, options.scale).padEnd(options.scale, "0"));
  if (!fitsPrecision(unscaled, options.precision)) return undefined;
  return match[1] === "-" ? -unscaled : unscaled;
}

/** The unscaled integer as text with `scale` digits after the point. */
export function formatDecimal(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  return `${unscaled < 0n ? "-" : ""}${whole}${scale === 0 ? "" : `.${digits.slice(whole.length)}`}`;
}

/** Whether an unscaled integer has at most so many digits. */
export function fitsPrecision(unscaled: bigint, precision: number): boolean {
  const limit = powers[precision] ?? 10n ** BigInt(precision);
  return unscaled < limit && unscaled > -limit;
}

/** Bytes of the shortest two's complement form, at least one. */
export function decimalBytes(unscaled: bigint): number {
  let bytes = 1;
  while (BigInt.asIntN(bytes * 8, unscaled) !== unscaled) bytes++;
  return bytes;
}

/** Two's complement, big-endian, in `size` bytes, which must be enough. */
export function writeDecimal(unscaled: bigint, size: number, sink: ByteSink): void {
  sink.ensure(size);
  let rest = BigInt.asUintN(size * 8, unscaled);
  for (let index = size - 1; index >= 0; index--) {
    sink.bytes[sink.position + index] = Number(rest & 255n);
    rest >>= 8n;
  }
  sink.position += size;
}

/** The integer of two's complement, big-endian bytes from `start` to `end`; 0 of none. */
export function readDecimal(bytes: Uint8Array, start = 0, end: number = bytes.length): bigint {
  const size = end - start;
  // Six bytes at a time are a whole number that is exact; most decimals have no more.
  const head = size % numberBytes;
  let value = head === 0 ? 0n : BigInt(wholeOf(bytes, start, start + head));
  for (let index = start + head; index < end; index += numberBytes) value = (value << numberBits) | BigInt(wholeOf(bytes, index, index + numberBytes));
  return size > 0 && (bytes[start] as number) > 127 ? BigInt.asIntN(size * 8, value) : value;
}

const numberBytes = 6;
const numberBits = 48n;

function wholeOf(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let index = start; index < end; index++) value = value * 256 + (bytes[index] as number);
  return value;
}

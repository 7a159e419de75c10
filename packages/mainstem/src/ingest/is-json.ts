import { limits } from "../runtime/limits.ts";

const stack = new Uint8Array(limits.depthMax);
const object = 1;
const array = 2;

/**
 * Whether `bytes[start, end)`, which are UTF-8 and nest at most `limits.depthMax` levels deep, are a JSON text: as `JSON.parse` judges, but without
 * an exception, which costs it some microseconds a failure and leaves its heap in pieces.
 * Source: RFC 8259.
 */
export function isJson(bytes: Uint8Array, start: number, end: number): boolean {
  let depth = 0;
  let position = skip(bytes, start, end);
  for (;;) {
    // A value is expected at `position`.
    const byte = bytes[position];
    if (position >= end) return false;
    if (byte === 0x7b || byte === 0x5b) {
      const closing = byte + 2;
      position = skip(bytes, position + 1, end);
      if (position >= end || depth === stack.length) return false;
      if (bytes[position] === closing) position++;
      else {
        stack[depth++] = byte === 0x7b ? object : array;
        if (byte === 0x7b && (position = keyEnd(bytes, position, end)) < 0) return false;
        continue;
      }
    } else if ((position = scalarEnd(bytes, position, end)) < 0) return false;
    // A value has ended before `position`: what is around it goes on or ends.
    for (;;) {
      position = skip(bytes, position, end);
      if (depth === 0) return position === end;
      if (position >= end) return false;
      const next = bytes[position];
      const kind = stack[depth - 1];
      if (next === (kind === object ? 0x7d : 0x5d)) {
        depth--;
        position++;
        continue;
      }
      if (next !== 0x2c) return false;
      position = skip(bytes, position + 1, end);
      if (kind === object && (position = keyEnd(bytes, position, end)) < 0) return false;
      break;
    }
  }
}

/** Where the value of the key at `position` begins; -1 if there is no key and colon. */
function keyEnd(bytes: Uint8Array, position: number, end: number): number {
  if (position >= end || bytes[position] !== 0x22) return -1;
  const after = textEnd(bytes, position, end);
  if (after < 0) return -1;
  const colon = skip(bytes, after, end);
  return colon < end && bytes[colon] === 0x3a ? skip(bytes, colon + 1, end) : -1;
}

function scalarEnd(bytes: Uint8Array, position: number, end: number): number {
  switch (bytes[position]!) {
    case 0x22:
      return textEnd(bytes, position, end);
    case 0x74:
      return literalEnd(bytes, position, end, "true");
    case 0x66:
      return literalEnd(bytes, position, end, "false");
    case 0x6e:
      return literalEnd(bytes, position, end, "null");
    default:
      return numberEnd(bytes, position, end);
  }
}

/** After the closing quote of the string whose opening quote is at `position`; -1 if it is none. */
function textEnd(bytes: Uint8Array, position: number, end: number): number {
  for (let index = position + 1; index < end; index++) {
    const byte = bytes[index]!;
    if (byte === 0x22) return index + 1;
    if (byte < 0x20) return -1;
    if (byte !== 0x5c) continue;
    const escaped = bytes[++index]!;
    if (index >= end) return -1;
    if (escaped === 0x75) {
      if (index + 4 >= end) return -1;
      for (let digit = 1; digit <= 4; digit++) if (!isHex(bytes[index + digit]!)) return -1;
      index += 4;
    } else if (!'"\\/bfnrt'.includes(String.fromCharCode(escaped))) return -1;
  }
  return -1;
}

function literalEnd(bytes: Uint8Array, position: number, end: number, literal: string): number {
  if (position + literal.length > end) return -1;
  for (let index = 0; index < literal.length; index++) if (bytes[position + index] !== literal.charCodeAt(index)) return -1;
  return position + literal.length;
}

function numberEnd(bytes: Uint8Array, position: number, end: number): number {
  let index = position;
  if (bytes[index] === 0x2d) index++;
  const whole = digitsEnd(bytes, index, end);
  // No digit, or a zero before others.
  if (whole === index || (bytes[index] === 0x30 && whole > index + 1)) return -1;
  index = whole;
  if (index < end && bytes[index] === 0x2e) {
    const fraction = digitsEnd(bytes, index + 1, end);
    if (fraction === index + 1) return -1;
    index = fraction;
  }
  if (index < end && (bytes[index]! | 0x20) === 0x65) {
    index++;
    if (index < end && (bytes[index] === 0x2b || bytes[index] === 0x2d)) index++;
    const exponent = digitsEnd(bytes, index, end);
    return exponent === index ? -1 : exponent;
  }
  return index;
}

function digitsEnd(bytes: Uint8Array, start: number, end: number): number {
  let index = start;
  while (index < end && bytes[index]! >= 0x30 && bytes[index]! <= 0x39) index++;
  return index;
}

function skip(bytes: Uint8Array, start: number, end: number): number {
  let index = start;
  while (index < end && (bytes[index] === 0x20 || bytes[index] === 0x0a || bytes[index] === 0x0d || bytes[index] === 0x09)) index++;
  return index;
}

function isHex(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
}

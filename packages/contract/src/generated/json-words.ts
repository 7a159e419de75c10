// Code that reads JSON bytes several at once, as numbers from `words`, which is a DataView of the same memory as `src`. Whoever reads from it first asks whether
// so many bytes stand before `end`: beyond the memory's end a view throws.

/** A condition that ASCII text stands at a position, a variable or a sum. */
export function matchText(position: string, text: string): string {
  const bytes = new TextEncoder().encode(text);
  const constants = new DataView(bytes.buffer);
  const size = bytes.length;
  const at = (offset: number): string => (offset === 0 ? position : `${position} + ${offset}`);
  if (size < 4) return Array.from(bytes, (byte, index) => `src[${at(index)}] === ${byte}`).join(" && ");
  // Eight bytes of ASCII are a double that is neither zero nor NaN, so it equals only itself. The last step looks at some bytes twice.
  const width = size < 8 ? 4 : 8;
  const steps = Array.from({ length: Math.ceil(size / width) }, (_, index) => Math.min(index * width, size - width));
  const match = (offset: number): string =>
    width === 4
      ? `words.getInt32(${at(offset)}, true) === ${constants.getInt32(offset, true)}`
      : `words.getFloat64(${at(offset)}, true) === ${constants.getFloat64(offset, true)}`;
  return [`${at(size)} <= end`, ...steps.map(match)].join(" && ");
}

/** How many bytes come before the first whose highest bit is set in a mask that is not zero. */
function bytesBefore(mask: string): string {
  return `((31 - Math.clz32(${mask} & -${mask})) >> 3)`;
}

/**
 * Copies text from `p` to a position of `dst`, up to the first byte that does not stand for itself in a JSON string: a control character, a quote, a backslash,
 * or what is no ASCII, whose highest bit is left by one of the two subtractions of 1. What follows it in a word is written too, and counts for nothing. Near
 * `end` it may stop before. A subtraction borrows only behind a byte that is found by it.
 */
export function copyPlain({ word, mask, to }: { readonly word: string; readonly mask: string; readonly to: string }): string {
  const special = `((${word} - 0x20202020) | ((${word} ^ 0x22222222) - 0x01010101) | ((${word} ^ 0x5c5c5c5c) - 0x01010101)) & 0x80808080`;
  return `for (let ${word} = 0, ${mask} = 0; p + 4 <= end; p += 4, ${to} += 4) {
${word} = words.getInt32(p, true); view.setInt32(${to}, ${word}, true); ${mask} = ${special};
if (${mask} !== 0) { ${mask} = ${bytesBefore(mask)}; p += ${mask}; ${to} += ${mask}; break; } }`;
}

/**
 * Takes digits from `p` into a number, up to the first byte that is none; near `end` it may stop before. The first digit is in a word's lowest byte: of fewer
 * than four, zeros are put before. Then pairs are made of digits, and one number of pairs.
 */
export function readDigits({ word, mask, value }: { readonly word: string; readonly mask: string; readonly value: string }): string {
  const pairs = `${word} = ${word} * 10 + (${word} >>> 8);`;
  const number = `(${word} & 255) * 100 + ((${word} >>> 16) & 255)`;
  return `for (let ${word} = 0, ${mask} = 0; p + 4 <= end; p += 4) {
${word} = words.getInt32(p, true) ^ 0x30303030; ${mask} = (${word} | (${word} + 0x76767676)) & 0x80808080;
if (${mask} !== 0) { ${mask} = ${bytesBefore(mask)}; if (${mask} > 0) { ${word} <<= 32 - ${mask} * 8; ${pairs} ${value} = ${value} * (${mask} === 1 ? 10 : ${mask} === 2 ? 100 : 1000) + ${number}; p += ${mask}; } break; }
${pairs} ${value} = ${value} * 10000 + ${number}; }`;
}

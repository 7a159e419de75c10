import { formatExact } from "./exact-json.ts";

/** Controls, and what turns the direction of text or hides in it (Unicode's bidirectional controls, spaces without width, tags). Joiners belong to scripts. */
const unseen = /[\p{Cc}\u061C\u200B\u200E\u200F\u202A-\u202E\u2060-\u2069\uFEFF\u{E0000}-\u{E007F}]/gu;

/**
 * Text of records and declarations as it may be shown: what cannot be seen is written out, so that a value can neither hide something nor turn the
 * text around it. Line ends and tabs stay where `multiline` says so.
 */
export function toVisibleText(text: string, { multiline = false }: { readonly multiline?: boolean } = {}): string {
  return text.replace(unseen, (character) => {
    if (multiline && (character === "\n" || character === "\t")) return character;
    const code = character.codePointAt(0) ?? 0;
    return code < 32 ? String.fromCodePoint(0x2400 + code) : `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });
}

/** A value of a record as a line of text. */
export function valueText(value: unknown): string {
  return toVisibleText(typeof value === "string" ? value : formatExact(value));
}

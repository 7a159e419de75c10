/** What terminals draw over two columns: emoji, and the wide and full-width letters of East Asia. Source: Unicode TR11, its classes W and F. */
const wide =
  /^(?:\p{Emoji_Presentation}|.\ufe0f|[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}])/u;
const plain = /^[\x20-\x7e]*$/;
/** Made for the first text that is not plain: it takes some milliseconds, which every command would pay. */
let segmenter: Intl.Segmenter | undefined;

/** Columns that a text takes on a screen. It holds no control characters: `toPrintable` sees to that. */
export function widthOf(text: string): number {
  if (plain.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmentsOf(text)) width += wide.test(segment) ? 2 : 1;
  return width;
}

/** The text if it fits, else as much of it as does before an ellipsis. */
export function cutToWidth(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let cut = "";
  let taken = 0;
  for (const { segment } of segmentsOf(text)) {
    taken += wide.test(segment) ? 2 : 1;
    if (taken > width - 1) break;
    cut += segment;
  }
  return width < 1 ? "" : `${cut}…`;
}

function segmentsOf(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return segmenter.segment(text);
}

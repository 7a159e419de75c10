import { MainstemError } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { Offset, TimestampType } from "../log.ts";
import type { FileSystem, LogFile } from "./file-system.ts";
import { loadIndex, segmentPath, writeIndex } from "./segment.ts";
import type { Segment } from "./segment.ts";
import type { SegmentIndex } from "./segment-index.ts";

interface SealedIndexesOptions {
  readonly files: FileSystem;
  readonly directory: string;
  readonly timestampType: TimestampType;
  readonly logger: Logger;
}

/** The indexes of the segments that grow no more; the one that was used last stays in memory. */
export class SealedIndexes {
  readonly #options: SealedIndexesOptions;
  #last: { readonly base: Offset; readonly index: Promise<SegmentIndex> } | undefined;

  constructor(options: SealedIndexesOptions) {
    this.#options = options;
  }

  /** `next` is the base of the segment after it. Files that are missing, cut or wrong are written again. Where the segment itself is damaged, the indexes reach to the damage. */
  get(segment: Segment, next: Offset): Promise<SegmentIndex> {
    if (this.#last?.base === segment.base) return this.#last.index;
    const index = this.#load(segment, next);
    this.#last = { base: segment.base, index };
    index.catch(() => (this.#last = undefined));
    return index;
  }

  async discard({ base }: Segment): Promise<void> {
    const { files, directory, logger } = this.#options;
    logger.warn("index is damaged and dropped", { file: segmentPath(directory, base, "index") });
    if (this.#last?.base === base) this.#last = undefined;
    await files.remove(segmentPath(directory, base, "index"));
  }

  async #load(segment: Segment, next: Offset): Promise<SegmentIndex> {
    const { files, directory, logger } = this.#options;
    const file = await openSegment(files, directory, segment.base);
    try {
      const { index, damage } = await loadIndex({ ...this.#options, base: segment.base, file, bytes: segment.bytes, next });
      if (damage !== undefined) {
        logger.error("segment is damaged", { file: segmentPath(directory, segment.base, "log"), position: damage.position, what: damage.what });
        return index;
      }
      segment.maxTimestamp = index.maxTimestamp;
      index.seal();
      const changed = index.offsets.length > index.offsets.written || index.times.length > index.times.written;
      // A failure is no matter: the entries are in memory, and are built again when they are needed again.
      if (changed)
        await writeIndex({ files, directory, base: segment.base }, index, { sync: false }).catch((error: unknown) =>
          logger.warn("index was not written", { directory, base: segment.base, cause: String(error) }),
        );
      return index;
    } finally {
      await file.close();
    }
  }
}

/** Opens a segment to read. Throws `log.corrupt` when its file is gone. */
export function openSegment(files: FileSystem, directory: string, base: Offset): Promise<LogFile> {
  const path = segmentPath(directory, base, "log");
  return files.open(path, "read").catch((error: unknown) => {
    throw new MainstemError("log.corrupt", `The segment ${path} cannot be opened.`, { file: path, position: 0 }, { cause: error });
  });
}

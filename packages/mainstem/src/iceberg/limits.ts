/** What a table's metadata may cost. Sizes in bytes. */
export const icebergLimits = {
  /** One metadata file, manifest list or manifest. */
  objectBytesMax: 268_435_456,
  /** One block of a manifest, decompressed. */
  blockBytesMax: 67_108_864,
  /** Manifests are written in blocks of about this size before compression. */
  blockBytes: 65_536,
  /** Files that one manifest lists: so many are read in some tens of milliseconds, in which nothing else runs. */
  manifestEntriesMax: 1_000,
  /** From this many manifests of one partition spec on, those with few files are merged (`commit.manifest.min-count-to-merge` of the reference implementation). */
  manifestsBeforeMerge: 100,
  /** What has fewer live files than this is merged with others. */
  mergeEntriesMax: 500,
  /** How often a commit is tried again after a change of another branch was first. */
  commitAttemptsMax: 5,
  /** Parsed metadata and manifests that are kept in memory, as estimated. */
  cacheBytesMax: 67_108_864,
  /** The same, while it is looked for what snapshots still name. */
  expiryCacheBytesMax: 16_777_216,
  /** Objects that are deleted in one call. */
  deletedAtOnceMax: 1_000,
} as const;

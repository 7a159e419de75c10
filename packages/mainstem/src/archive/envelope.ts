/** The Avro schema of a chunk's records: a log record as it is, with nothing of its value understood (docs/formats/chunk.md). */
export const envelopeSchema = {
  type: "record",
  name: "Envelope",
  namespace: "mainstem",
  fields: [
    { name: "offset", type: "long" },
    { name: "timestamp", type: "long" },
    { name: "timestampType", type: { type: "enum", name: "TimestampType", symbols: ["create", "append"] } },
    { name: "key", type: ["null", "bytes"] },
    { name: "value", type: ["null", "bytes"] },
    {
      name: "headers",
      type: {
        type: "array",
        items: {
          type: "record",
          name: "Header",
          fields: [
            { name: "key", type: "string" },
            { name: "value", type: ["null", "bytes"] },
          ],
        },
      },
    },
  ],
} as const;

/** Union branches and enum symbols are Avro ints, so zig-zag: 0 is 0, 1 is 2. */
export const avroNull = 0;
export const avroPresent = 2;
export const avroCreate = 0;
export const avroAppend = 2;

export { CodedError, ContractError, contractCodes, type ContractCode } from "./errors.ts";
export { compatibilities, mergeKinds, transforms } from "./contract.ts";
export type { Check, Compatibility, Contract, Merge, PartitionField, PartitionKind, Transform } from "./contract.ts";
export { attributeOf, fullNameOf, isUnion, logicalTypeOf, primitiveTypes, schemaLimits, unwrapNullable } from "./avro/schema.ts";
export type {
  AvroArraySchema,
  AvroEnumSchema,
  AvroField,
  AvroFixedSchema,
  AvroMapSchema,
  AvroPrimitiveSchema,
  AvroPrimitiveType,
  AvroRecordSchema,
  AvroSchema,
  AvroTypeSchema,
  AvroUnionSchema,
  Issue,
} from "./avro/schema.ts";
export { parseAvroRecordSchema, parseAvroSchema } from "./avro/schema-parser.ts";
export { schemaText, toSchemaJson } from "./avro/schema-text.ts";
export { ByteSink } from "./avro/byte-sink.ts";
export { ByteSource } from "./avro/byte-source.ts";
export { compileWriter, type Write } from "./avro/writer.ts";
export { compileReader, readWhole, type Read } from "./avro/reader.ts";
export {
  containerBlocks,
  containerLimits,
  decodeContainerHeader,
  encodeContainerBlock,
  encodeContainerHeader,
  nullCodec,
  openContainer,
} from "./avro/container.ts";
export type { ContainerBlock, ContainerCodec, ContainerHeader, RawContainerBlock } from "./avro/container.ts";
export { murmur2, partitionOf } from "./murmur2.ts";

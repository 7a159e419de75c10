export { CodedError, ContractError, contractCodes, type ContractCode } from "./errors.ts";
export { compatibilities, mergeKinds, transforms } from "./contract.ts";
export type { Check, Compatibility, Contract, Merge, PartitionField, PartitionKind, Transform } from "./contract.ts";

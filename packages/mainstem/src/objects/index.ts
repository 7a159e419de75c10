export { isObjectKey, parseObjectKey, readWhole } from "./objects.ts";
export type { ByteRange, LocalFile, ObjectInfo, ObjectKey, ObjectStore, Put } from "./objects.ts";

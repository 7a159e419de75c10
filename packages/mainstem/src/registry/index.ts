export type { Applied, ApplyOptions, Closed, Dataset, DatasetVersion, Generation, Judgement, NewDataset, Registry } from "./dataset.ts";
export { openRegistry } from "./registry.ts";
export type { RegistryOptions } from "./registry.ts";
export { subjectModes } from "./subject.ts";
export { subjectUnknown } from "./subject-views.ts";
export type {
  SchemaReference,
  SubmittedReference,
  Seen,
  SubjectMode,
  Subjects,
  SubjectSettings,
  SubjectVersion,
  SubmittedSchema,
  VersionNumber,
  WaitingDataset,
} from "./subject.ts";

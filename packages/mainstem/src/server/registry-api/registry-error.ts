import { MainstemError, type Code } from "../../runtime/errors.ts";
import { toProblem, type ErrorShape, type Problem } from "../problem.ts";

/** An error as the registries of the field answer it: the first three digits of a code of five are the status. */
export interface RegistryError {
  readonly status: number;
  readonly body: { readonly error_code: number; readonly message: string };
}

/** Source: Confluent Schema Registry API reference, "Errors" of each route, and `Errors.java` of its server. */
const numbers: Partial<Readonly<Record<Code, number>>> = {
  "registry.subjectUnknown": 40401,
  "registry.versionUnknown": 40402,
  "registry.schemaUnknown": 40403,
  "registry.subjectDeleted": 40404,
  "registry.subjectNotDeleted": 40405,
  "registry.versionDeleted": 40406,
  "registry.versionNotDeleted": 40407,
  "registry.levelUnset": 40408,
  "registry.modeUnset": 40409,
  "registry.incompatible": 409,
  "contract.incompatible": 409,
  "registry.schemaInvalid": 42201,
  "registry.versionInvalid": 42202,
  "registry.levelInvalid": 42203,
  "registry.modeInvalid": 42204,
  "registry.notPermitted": 42205,
  "registry.referenced": 42206,
  "registry.idMismatch": 42207,
  "registry.subjectInvalid": 42208,
  "registry.conflict": 50002,
};

export const registryType = "application/vnd.schemaregistry.v1+json";

/** For errors that are answered before a route is looked for. */
export const registryShape: ErrorShape = { type: registryType, toBody: (problem) => fromProblem(problem).body };

export function toRegistryError(error: unknown): RegistryError {
  return fromProblem(toProblem(error));
}

function fromProblem(problem: Problem): RegistryError {
  const number = numbers[problem.code] ?? (problem.status >= 500 ? 50001 : problem.status);
  const status = number > 999 ? Math.floor(number / 100) : number;
  return { status, body: { error_code: number, message: problem.detail } };
}

export function invalidSchema(sentence: string): MainstemError {
  return new MainstemError("registry.schemaInvalid", `Invalid schema: ${sentence}`);
}

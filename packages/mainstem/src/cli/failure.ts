import { CodedError, formatExact } from "@mainstem/contract";
import { factsOf, firstOf, messageOf } from "../runtime/errors.ts";
import { cliCodes, type CliCode } from "./cli-codes.ts";

/** 0: it is done. 1: it failed, and the message says why. 2: it was called wrongly. 130 and 143: Ctrl-C or SIGTERM came before it was done. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, interrupted: 130, terminated: 143 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The body of an error answer: RFC 9457 with our code and what to do about it. */
export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly remedy?: string;
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** A command that cannot go on, with what to do about it. */
export class CliFailure extends CodedError {
  readonly remedy: string | undefined;
  readonly exitCode: ExitCode;

  /** Without a remedy it is that of the code. */
  constructor(
    code: CliCode | (string & {}),
    message: string,
    options: { readonly remedy?: string | undefined; readonly exitCode?: ExitCode; readonly facts?: Problem["facts"]; readonly cause?: unknown } = {},
  ) {
    super(code, message, options.facts, { cause: options.cause });
    this.remedy = options.remedy ?? (Object.hasOwn(cliCodes, code) ? cliCodes[code as CliCode] : undefined);
    this.exitCode = options.exitCode ?? exitCodes.failed;
  }
}

/** What a person, or a program, is told about a failure. */
export interface FailureText {
  readonly code: string;
  readonly message: string;
  readonly remedy: string | undefined;
  readonly details: readonly string[];
  readonly exitCode: ExitCode;
}

export function describeFailure(error: unknown): FailureText {
  if (error instanceof CliFailure)
    return { code: error.code, message: error.message, remedy: error.remedy, details: issuesOf(error), exitCode: error.exitCode };
  const { code, remedy } = factsOf(error);
  const first = firstOf(error);
  // A wrong flag or variable is a wrong call.
  const exitCode = code === "config.invalid" ? exitCodes.usage : exitCodes.failed;
  if (first instanceof CodedError && first.code === code) return { code, message: first.message, remedy, details: issuesOf(first), exitCode };
  // Of a fault of ours the place matters.
  const message = code === "runtime.bug" && error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
  return { code, message, remedy, details: [], exitCode };
}

/** What a contract error says about each place, as far as its message does not: `facts.issues` as a list of path and message. */
function issuesOf({ facts, message: said }: { readonly facts: Readonly<Record<string, unknown>>; readonly message: string }): readonly string[] {
  const listed = facts["issues"] ?? facts["changes"];
  if (!Array.isArray(listed)) return [];
  return listed.flatMap((issue: unknown) => {
    if (typeof issue !== "object" || issue === null) return [String(issue)];
    const { path, message, reason, remedy } = issue as { readonly [part in "path" | "message" | "reason" | "remedy"]?: unknown };
    const text = [toText(message ?? reason ?? issue), toText(remedy)].join(" ").trimEnd();
    if (said.includes(text)) return [];
    const place = Array.isArray(path) ? path.join(".") : toText(path);
    return [`${place === "" ? "(whole)" : place}: ${text}`];
  });
}

function toText(value: unknown): string {
  return typeof value === "string" ? value : value === undefined ? "" : formatExact(value);
}

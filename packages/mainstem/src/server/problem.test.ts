import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import { MainstemError } from "../runtime/errors.ts";
import { logFailure } from "./problem.ts";

test("logs faults of ours, and neither those of clients nor that one went before its answer came", () => {
  const logged: string[] = [];
  const note =
    (level: string) =>
    (sentence: string, facts: Readonly<Record<string, unknown>> = {}): void =>
      void logged.push(`${level} ${sentence} ${String(facts["code"])} ${String(facts["path"])}`);
  const logger = { debug: note("debug"), info: note("info"), warn: note("warn"), error: note("error") };
  const request = { method: "POST", url: "/v1/query?x=1" } as IncomingMessage;
  for (const error of [
    new DOMException("This operation was aborted", "AbortError"),
    new MainstemError("server.notFound", "There is nothing."),
    new MainstemError("log.writeFailed", "The disk refused."),
    new TypeError("x is undefined"),
  ])
    logFailure(logger, error, request);
  assert.deepEqual(logged, ["warn request failed log.writeFailed /v1/query", "error request failed runtime.bug /v1/query"]);
});

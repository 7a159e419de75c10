import { clientCodes } from "../../packages/client/src/client-error.ts";
import { cliCodes } from "../../packages/mainstem/src/cli/cli-codes.ts";
import { codes } from "../../packages/mainstem/src/runtime/errors.ts";
import { madeFrom, toTable, type Page } from "./page.ts";

const taskActions = {
  retry: "tries again, later and later",
  inbox: "puts the record into the inbox and goes on",
  stop: "stops until somebody looks",
  bug: "stops, and logs where",
} as const;

/** Every error code with what to do about it. */
export function errorsPage(): Page {
  const rooms = Map.groupBy(Object.entries(codes), ([code]) => code.split(".", 1)[0] ?? "");
  const sections = [...rooms].map(([room, entries]) => {
    const rows = entries.map(([code, { status, task, remedy }]) => [`\`${code}\``, String(status), taskActions[task], remedy]);
    return [`## ${room}`, "", toTable(["code", "HTTP status", "a task", "what to do"], rows), ""].join("\n");
  });
  const simple = (list: Readonly<Record<string, string>>): string =>
    toTable(
      ["code", "what to do"],
      Object.entries(list).map(([code, remedy]) => [`\`${code}\``, remedy]),
    );
  const text = [
    "# Errors",
    "",
    "Every error has a code. The HTTP API answers with a problem (RFC 9457) that holds `code`, `detail` and `remedy`; the command line prints them; a task decides by the code what it does.",
    "",
    madeFrom("`packages/mainstem/src/runtime/errors.ts`, `cli/cli-codes.ts` and the codes of `@mainstem/client`"),
    "",
    ...sections,
    "## The command line's own",
    "",
    simple(cliCodes),
    "",
    "## Those of @mainstem/client",
    "",
    simple(clientCodes),
    "",
  ].join("\n");
  return { path: "docs/reference/errors.md", text };
}

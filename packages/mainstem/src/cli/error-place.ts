import { relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

interface Place {
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

/** Where a module failed to load, as editors and terminals take it (`orders.ts:3:13`): in the file itself if it was on the way. Undefined where Node does not tell. */
export function placeOf(error: unknown, file: string): string | undefined {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const places = [...syntaxPlaces(stack), ...framePlaces(stack)].filter(({ path }) => !path.includes("/node_modules/"));
  const place = places.find(({ path }) => path === resolve(file)) ?? places[0];
  if (place === undefined) return undefined;
  return `${place.path === resolve(file) ? file : relative("", place.path)}:${place.line}:${place.column}`;
}

/** Of a syntax error Node writes path and line above the stack, then the source, with carets below the place. */
function syntaxPlaces(stack: string): readonly Place[] {
  const [, where = "", line = "", source = ""] = /^((?:file:|\/|[A-Z]:\\)[^\n]*):(\d+)\n([^]*?\^)/.exec(stack) ?? [];
  if (where === "") return [];
  return [{ path: toPath(where), line: Number(line), column: source.length - source.lastIndexOf("\n") - 1 }];
}

function framePlaces(stack: string): readonly Place[] {
  return [...stack.matchAll(/^ +at .*?(file:\/\/\/[^\s)]+):(\d+):(\d+)\)?$/gm)].map(([, where = "", line, column]) => ({
    path: toPath(where),
    line: Number(line),
    column: Number(column),
  }));
}

function toPath(where: string): string {
  return where.startsWith("file:") ? fileURLToPath(where) : where;
}

import { parseExact } from "../exact-json.ts";
import { readToken } from "./token.ts";

/** An error as the API tells it (RFC 9457), or that it could not be asked: `page.unreachable`. */
export class ProblemError extends Error {
  readonly status: number;
  readonly code: string;
  readonly remedy: string;

  constructor({ status, code, detail, remedy }: { readonly status: number; readonly code: string; readonly detail: string; readonly remedy: string }) {
    super(detail);
    this.status = status;
    this.code = code;
    this.remedy = remedy;
  }
}

/** The server wants a token, or another one. */
export function isLocked(error: Error | null): boolean {
  return error instanceof ProblemError && error.status === 401;
}

/** The server did not answer, or is just closing; what it said before still stands on the page. */
export function isAway(error: Error | null): boolean {
  return error instanceof ProblemError && (error.status === 0 || error.code === "server.closing");
}

/** It may go well the next time: the server is away, or at fault. */
export function isPassing(error: Error | null): boolean {
  return error instanceof ProblemError && (error.status === 0 || error.status >= 500);
}

export interface AskOptions {
  /** Sent as JSON, by POST. */
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** Asks the server that the page came from. Errors: `ProblemError`. */
export async function ask<Answer>(path: string, { body, signal }: AskOptions = {}): Promise<Answer> {
  const token = readToken();
  const headers = {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { "content-type": "application/json" }),
  };
  const init: RequestInit = { headers, signal: signal ?? null, ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }) };
  try {
    const response = await fetch(path, init);
    if (!response.ok) throw await toProblem(response);
    return parseExact(await response.text()) as Answer;
  } catch (cause) {
    if (cause instanceof ProblemError || signal?.aborted === true) throw cause;
    throw new ProblemError({
      status: 0,
      code: "page.unreachable",
      detail: "The server does not answer.",
      remedy: "Start it again, or look at the network; the page goes on by itself.",
    });
  }
}

async function toProblem(response: Response): Promise<ProblemError> {
  const { status } = response;
  const known: unknown = await response.json().catch(() => undefined);
  const member = (name: string, otherwise: string): string => {
    const value = typeof known === "object" && known !== null ? (known as Record<string, unknown>)[name] : undefined;
    return typeof value === "string" ? value : otherwise;
  };
  return new ProblemError({
    status,
    code: member("code", `http.${status}`),
    detail: member("detail", `The server answered ${status}.`),
    remedy: member("remedy", ""),
  });
}

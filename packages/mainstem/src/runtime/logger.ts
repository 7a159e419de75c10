import { pino } from "pino";
import type { LogLevel } from "./log-levels.ts";

/** Structured lines: a constant sentence, then identifiers and counts, never record values. */
export interface Logger {
  debug(sentence: string, facts?: Readonly<Record<string, unknown>>): void;
  info(sentence: string, facts?: Readonly<Record<string, unknown>>): void;
  warn(sentence: string, facts?: Readonly<Record<string, unknown>>): void;
  error(sentence: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** A logger that writes one JSON object a line to standard error. */
export function createLogger({ level }: { readonly level: LogLevel }): Logger {
  const sink = pino({ level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2));
  return {
    debug: (sentence, facts) => sink.debug(facts ?? {}, sentence),
    info: (sentence, facts) => sink.info(facts ?? {}, sentence),
    warn: (sentence, facts) => sink.warn(facts ?? {}, sentence),
    error: (sentence, facts) => sink.error(facts ?? {}, sentence),
  };
}

/** A logger that says nothing: for tests and for libraries that were given none. */
export const silentLogger: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

import type { ServerResponse } from "node:http";
import { MainstemError } from "../runtime/errors.ts";

/** Writes a long answer no faster than the client takes it. */
export interface PacedResponse {
  /** Resolves when more may be written. Throws an `AbortError` when the client has gone, `server.timeout` when it takes nothing for `idleMs`. */
  write(text: string): Promise<void>;
}

export function createPacedResponse(response: ServerResponse, { idleMs }: { readonly idleMs: number }): PacedResponse {
  return {
    async write(text) {
      if (response.destroyed) throw gone();
      if (response.write(text)) return;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const onClose = (): void => reject(gone());
      const timer = setTimeout(() => reject(new MainstemError("server.timeout", `The client took nothing of the answer for ${idleMs} ms.`)), idleMs);
      response.once("drain", resolve).once("close", onClose);
      try {
        await promise;
      } finally {
        clearTimeout(timer);
        response.off("drain", resolve).off("close", onClose);
      }
    },
  };
}

function gone(): DOMException {
  return new DOMException("The client has gone.", "AbortError");
}

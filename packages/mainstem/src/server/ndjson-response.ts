import type { FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "../runtime/logger.ts";
import { createPacedResponse } from "./paced-response.ts";
import { logFailure, sendProblem } from "./problem.ts";

export const ndjsonType = "application/x-ndjson";
/** Lines are put together to texts of about this many characters. */
export const writeCharactersMax = 65_536;

/**
 * Answers with NDJSON, no faster than the client takes it. `texts` are whole lines each, written one by one. What fails before the first of them becomes
 * a problem, what fails later cuts the answer off. For HEAD no more than the first is made.
 */
export async function sendNdjson(
  request: FastifyRequest,
  reply: FastifyReply,
  { texts, logger, idleMs }: { readonly texts: AsyncIterable<string>; readonly logger: Logger; readonly idleMs: number },
): Promise<FastifyReply> {
  reply.hijack();
  const response = reply.raw;
  const paced = createPacedResponse(response, { idleMs });
  const begin = (): void => {
    if (!response.headersSent) response.writeHead(200, { "content-type": ndjsonType, "cache-control": "no-store" });
  };
  try {
    for await (const text of texts) {
      begin();
      if (request.method === "HEAD") break;
      await paced.write(text);
    }
    begin();
    response.end();
  } catch (error) {
    logFailure(logger, error, request.raw);
    await sendProblem(request.raw, response, error);
  }
  return reply;
}

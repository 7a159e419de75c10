// The server in a process of its own, so that its memory can be told from its client's. Prints its port; ends with its standard input.
import { openApi } from "./open-api.ts";

const options = JSON.parse(process.argv[2] ?? "{}") as Parameters<typeof openApi>[0];
const api = await openApi(options);
process.stdout.write(`${api.server.port}\n`);
process.stdin.resume().once("close", () => void api[Symbol.asyncDispose]());

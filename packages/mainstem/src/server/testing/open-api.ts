import { connect, type Socket } from "node:net";
import { openRooms, orders, type Rooms, type RoomsOptions } from "../../ingest/testing/open-rooms.ts";
import type { Replays } from "../../archive/index.ts";
import { MainstemError } from "../../runtime/errors.ts";
import { silentLogger } from "../../runtime/logger.ts";
import { openServer, type Server, type ServerConfig } from "../server.ts";
import type { DatasetStatus, PlatformView } from "../view.ts";

const unknownReplay = () => Promise.reject(new MainstemError("archive.replayUnknown", "There are no replays here."));
/** A platform without an archive. */
const noReplays: Replays = { start: unknownReplay, list: async () => [], get: unknownReplay, remove: unknownReplay };

const noTask = async (name: string): Promise<never> => {
  throw new MainstemError("task.unknown", `There is no task ${name}.`, { task: name });
};

/** Nothing archived, no table, no task: what the server shows of a platform that has just begun. */
export const emptyStatus: DatasetStatus = { archive: { partitions: [] }, table: undefined };
const unknownRebuild = () => Promise.reject(new MainstemError("table.rebuildUnknown", "There are no rebuilds here."));
const noRebuilds: PlatformView["rebuilds"] = {
  start: unknownRebuild,
  get: async () => undefined,
  swap: unknownRebuild,
  discard: unknownRebuild,
  pending: async () => [],
};
export const emptyView: PlatformView = {
  status: async () => emptyStatus,
  snapshots: async () => [],
  async *query() {
    yield { columns: [], rows: [] };
  },
  tasks: () => [],
  taskControl: { pause: noTask, resume: noTask, reset: noTask },
  replays: noReplays,
  rebuilds: noRebuilds,
};

export interface TestApi extends AsyncDisposable {
  readonly rooms: Rooms;
  readonly server: Server;
  /** Sends a request; the answer's text, and its JSON if it is that. */
  call(path: string, init?: RequestInit): Promise<Reply>;
  post(path: string, body: RequestInit["body"], headers?: Readonly<Record<string, string>>): Promise<Reply>;
  /** Writes raw bytes to a connection of its own, and gives what comes back until it ends, or `enough` says so. */
  raw(text: string | Buffer | ((socket: Socket) => Promise<void> | void), options?: { readonly enough?: (text: string) => boolean }): Promise<string>;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Empty where the text is no JSON. */
  readonly body: Record<string, unknown>;
  readonly lines: readonly Record<string, unknown>[];
}

/** The server over real rooms, with `shop.orders` declared. */
export async function openApi(
  options: {
    readonly rooms?: RoomsOptions;
    readonly view?: Partial<PlatformView>;
    readonly config?: Partial<ServerConfig>;
    readonly webDirectory?: string | undefined;
  } = {},
): Promise<TestApi> {
  await using stack = new AsyncDisposableStack();
  const rooms = stack.use(await openRooms(options.rooms));
  await rooms.registry.apply(orders);
  const config = { host: "127.0.0.1", port: 0, ...options.config, limits: { lingerMs: 0, ...options.config?.limits } };
  const view = { ...emptyView, ...options.view };
  const server = stack.use(await openServer({ ...rooms, view, logger: silentLogger, version: "0.0.0", webDirectory: options.webDirectory, config }));
  const opened = stack.move();
  const call = async (path: string, init?: RequestInit): Promise<Reply> => toReply(await fetch(server.url + path, init));
  return {
    rooms,
    server,
    call,
    post: (path, body, headers = {}) =>
      call(path, {
        method: "POST",
        headers: { "content-type": "application/x-ndjson", ...headers },
        ...(body === undefined ? {} : { body }),
        duplex: "half",
      }),
    raw: (text, { enough = () => false } = {}) => exchange(connect(server.port, "127.0.0.1"), text, enough),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function toReply(response: Response): Promise<Reply> {
  const text = await response.text();
  const parse = (json: string): Record<string, unknown> => {
    try {
      return JSON.parse(json) as Record<string, unknown>;
    } catch {
      return {};
    }
  };
  const ndjson = response.headers.get("content-type") === "application/x-ndjson";
  const lines = ndjson
    ? text
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    : [];
  return { status: response.status, headers: response.headers, text, body: ndjson ? {} : parse(text), lines };
}

async function exchange(
  socket: Socket,
  text: string | Buffer | ((socket: Socket) => Promise<void> | void),
  enough: (text: string) => boolean,
): Promise<string> {
  let answer = "";
  const ended = new Promise<void>((resolve) => {
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
      if (enough(answer)) resolve();
    });
    socket.on("error", () => resolve()).on("close", () => resolve());
  });
  if (typeof text === "function") void Promise.resolve(text(socket)).catch(() => undefined);
  else socket.write(text);
  await ended;
  socket.destroy();
  return answer;
}

import assert from "node:assert/strict";
import { ask, openRooms, orders, readRecords, type Rooms } from "../../ingest/testing/open-rooms.ts";
import { createInbox, type Inbox } from "../inbox.ts";

/** The dataset whose inbox the tests fill. */
export const name = orders.name;
export const good = { orderId: "a", revision: 1, amount: "1.50" };

export interface World extends AsyncDisposable {
  readonly rooms: Rooms;
  readonly inbox: Inbox;
  quarantine(...lines: readonly string[]): Promise<void>;
  /** The records in the log. */
  records(): Promise<readonly Record<string, unknown>[]>;
  count(): Promise<number>;
}

export async function openWorld(): Promise<World> {
  const rooms = await openRooms({ partitions: 1 });
  await rooms.registry.apply(orders);
  return {
    rooms,
    inbox: createInbox(rooms),
    async quarantine(...lines) {
      const answer = await rooms.ingest.accept(ask(Buffer.from(lines.map((line) => `${line}\n`).join("")), { invalid: "inbox" }));
      assert.equal(answer.quarantined, lines.length);
    },
    records: () => readRecords(rooms, name),
    count: async () => (await readRecords(rooms, name)).length,
    [Symbol.asyncDispose]: () => rooms[Symbol.asyncDispose](),
  };
}

/** An inbox whose settlements never come to the log, as when the process dies before them. */
export function dyingInbox(rooms: Rooms, cause: Error): Inbox {
  return createInbox({ ...rooms, log: { ...bound(rooms.log), append: () => Promise.reject(cause) } });
}

function bound(log: Rooms["log"]): Rooms["log"] {
  return new Proxy(log, {
    get: (target, property) => {
      const value: unknown = Reflect.get(target, property);
      return typeof value === "function" ? value.bind(target) : value;
    },
    ownKeys: () => ["createTopic", "deleteTopic", "describeTopic", "topics", "append", "read", "bounds", "offsetAt", "committed", "commit", "groups"],
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
  });
}

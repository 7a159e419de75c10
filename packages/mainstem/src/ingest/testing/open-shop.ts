import { openRooms, order, orders, readRecords, toLines, type Rooms, type RoomsOptions } from "./open-rooms.ts";

/** Rooms in which the dataset `shop.orders` is there. */
export async function openShop(options: RoomsOptions = {}): Promise<Rooms> {
  const rooms = await openRooms(options);
  await rooms.registry.apply(orders);
  return rooms;
}

/** As after a restart of the process. */
export async function reopen(rooms: Rooms, options: RoomsOptions = {}): Promise<Rooms> {
  await rooms.stop();
  return openRooms({ ...options, directory: rooms.directory });
}

/** The orders 0, 1, 2, … as NDJSON. */
export function lines(count: number): Buffer {
  return toLines(Array.from({ length: count }, (_, index) => order(index)));
}

/** What `ids` tells of them. */
export function numbered(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `order-${index}`).toSorted();
}

/** The ids of all orders in the log, sorted. */
export async function ids(rooms: Rooms): Promise<readonly string[]> {
  return (await readRecords(rooms)).map(({ orderId }) => String(orderId)).toSorted();
}

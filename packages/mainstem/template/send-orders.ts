// How an application sends records: typed by the contract, in batches, repeated until they are safe.
import { createProducer } from "@mainstem/client";
import { orders } from "./datasets/orders.ts";

await using producer = await createProducer({
  url: process.env["MAINSTEM_SERVER"] ?? "http://127.0.0.1:7070",
  token: process.env["MAINSTEM_TOKEN"],
  dataset: orders,
  onRefused: ({ message }) => console.error(message),
});

await producer.send({ orderId: "B-1", revision: 1, placedAt: "2026-11-21T10:00:00Z", status: "placed", amount: "7.50" });
await producer.send({ orderId: "B-1", revision: 2, placedAt: "2026-11-21T10:00:00Z", status: "paid", amount: "7.50" });
// Resolves when all of them are in the log, on disk.
await producer.flush();
console.log("sent 2 records");

import { dataset, day, decimal, latest, timestamp } from "@mainstem/contract";
import { z } from "zod";

/** One declaration says all that Mainstem has to know: what a record holds, what makes it unique, and which of two is the later one. */
export const orders = dataset({
  name: "shop.orders",
  description: "Every order placed in the shop; one row an order, in its latest state.",
  schema: z.object({
    orderId: z.string(),
    revision: z.int(),
    placedAt: timestamp(),
    status: z.enum(["placed", "paid", "shipped", "cancelled"]),
    amount: decimal(12, 2),
  }),
  key: ["orderId"],
  order: ["revision"],
  merge: latest(),
  partition: [day("placedAt")],
});

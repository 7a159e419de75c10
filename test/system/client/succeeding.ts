import { dataset } from "@mainstem/contract";
import { z } from "zod";
import { readings } from "./readings.ts";

/** What `readings` became when its key had to change. */
export const measurements = dataset({
  name: "weather.measurements",
  schema: z.object({ station: z.string(), place: z.int(), kelvin: z.number() }),
  key: ["station"],
  order: ["place"],
  predecessor: "weather.readings",
});

export const both = [readings, measurements] as const;

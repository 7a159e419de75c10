import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { dataset } from "./dataset.ts";
import { hlc } from "./field-types.ts";
import { toTypescript } from "./typescript-writer.ts";

test("a hybrid logical clock is written as hlc(), whose type lets the producer stamp it", () => {
  const contract = dataset({
    name: "test.small",
    schema: z.object({ k: z.string(), at: hlc(), seen: hlc().nullish() }),
    key: ["k"],
    order: ["at"],
  });
  const source = toTypescript(contract);
  assert.match(source, /^import \{ dataset, hlc \} from "@mainstem\/contract";$/m);
  assert.match(source, /^ {4}at: hlc\(\),\n {4}seen: hlc\(\)\.nullish\(\),$/m);
});

import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where a published package carries the web page, and where `tools/setup.mjs` builds it in a clone; relative to this file, or to what is compiled of it. */
const places = ["../web", "../../web/dist"] as const;

/** The folder with the built web page; undefined where there is none. */
export function findWebDirectory(): string | undefined {
  return places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((folder) => existsSync(join(folder, "index.html")));
}

import { readFileSync } from "node:fs";

const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
};

/** Of this package, and so of the platform. */
export const version = manifest.version;
/** What this package needs, by name, with exact versions. */
export const dependencies = manifest.dependencies;

import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { print, type Start } from "./context.ts";
import { CliFailure } from "./failure.ts";
import { packageNames, packageSources } from "./package-sources.ts";
import { makeDirectory } from "../runtime/files.ts";

/** The project as it is copied; it is part of the package. */
const template = fileURLToPath(new URL("../../template/", import.meta.url));
/** npm leaves files of these names out of packages. */
const renamed: Readonly<Record<string, string>> = { gitignore: ".gitignore", npmrc: ".npmrc" };

/** What a folder may have of its own: the project does not rest on ours. */
const own = new Set([".gitignore", ".npmrc", "README.md", "tsconfig.json"]);

interface Made {
  readonly folder: string;
  readonly files: readonly string[];
  /** Files of the project that the folder had already, left as they were. */
  readonly kept: readonly string[];
  /** Whether packages are still to be installed. */
  readonly install: boolean;
  /** The clone of Mainstem in which its packages are to be packed before that. */
  readonly packIn: string | undefined;
}

/** `mainstem init [FOLDER]` */
export function initCommand(start: Start): Command {
  const command = new Command("init")
    .description("make a project that works at once: a dataset, a configuration, a test, and an example of sending from an application")
    .argument("[folder]", "where; it is made if there is none", ".")
    .addHelpText(
      "after",
      "\nNothing that is there is overwritten: of a package.json what is missing is added; README.md, tsconfig.json, .gitignore and .npmrc are kept; any other file in the way ends it before it begins." +
        "\n\nExamples:\n  mainstem init my-data\n  mainstem init\n  npx mainstem init my-data",
    );
  return command.action((folder: string) =>
    start(command, async (context) => print(context, await makeProject(resolve(folder)), (made) => describe(made, folder)), { server: "none" }),
  );
}

/** Copies the template. Errors: `cli.folder` naming what is in the way; then nothing was written. */
async function makeProject(folder: string): Promise<Made> {
  const entries = await readdir(template, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => relative(template, join(entry.parentPath, entry.name)));
  const wanted = files.filter((name) => name !== "package.json").map((name) => ({ from: join(template, name), name: renamed[name] ?? name }));
  const isThere = ({ name }: { readonly name: string }): boolean => existsSync(join(folder, name));
  const kept = wanted.filter((one) => own.has(one.name) && isThere(one)).map(({ name }) => name);
  const copies = wanted.filter(({ name }) => !kept.includes(name));
  const taken = copies.filter(isThere).map(({ name }) => name);
  if (taken.length > 0) throw new CliFailure("cli.folder", `${folder} has ${taken.join(", ")} already; nothing was written.`);
  const { dependencies, packIn } = packageSources(folder);
  try {
    const manifest = await mergeManifest(folder, dependencies);
    for (const { from, name } of copies) {
      await makeDirectory(dirname(join(folder, name)));
      await writeFile(join(folder, name), await readFile(from), { flag: "wx" });
    }
    await writeFile(join(folder, "package.json"), manifest);
  } catch (cause) {
    if (cause instanceof CliFailure) throw cause;
    throw new CliFailure("cli.folder", `${folder} could not be written: ${cause instanceof Error ? cause.message : String(cause)}`, {
      remedy: "Choose a folder that you may write to.",
      cause,
    });
  }
  const install = ![...packageNames, "zod", "typescript"].every((name) => existsSync(join(folder, "node_modules", name, "package.json")));
  return { folder, files: ["package.json", ...copies.map(({ name }) => name)].sort(), kept: kept.sort(), install, packIn: install ? packIn : undefined };
}

type Json = Readonly<Record<string, unknown>>;

/** The template's manifest, or the one that is there with what it lacks: its own versions and scripts stay as they are. */
async function mergeManifest(folder: string, packages: Readonly<Record<string, string>>): Promise<string> {
  const copied = parseManifest(await readFile(join(template, "package.json"), "utf8")) ?? {};
  const ours: Json = { ...copied, dependencies: { ...toObject(copied["dependencies"]), ...packages } };
  const path = join(folder, "package.json");
  if (!existsSync(path)) return write({ ...ours, name: nameOf(folder) });
  const theirs = parseManifest(await readFile(path, "utf8"));
  if (theirs === undefined) throw new CliFailure("cli.folder", `${path} is not a JSON object.`, { remedy: "Mend it, or move it away." });
  if (theirs["type"] === "commonjs")
    throw new CliFailure("cli.folder", `${path} says "type": "commonjs", and the project is made of ES modules.`, {
      remedy: "Say that it is made of them (`npm pkg set type=module`), or choose another folder.",
    });
  const merged = (part: string): Json => ({ ...toObject(ours[part]), ...toObject(theirs[part]) });
  return write({ ...theirs, type: "module", scripts: merged("scripts"), dependencies: merged("dependencies"), devDependencies: merged("devDependencies") });
}

function parseManifest(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}

function toObject(value: unknown): Json {
  return typeof value === "object" && value !== null ? (value as Json) : {};
}

/** A folder's name as npm takes names. */
function nameOf(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return name === "" ? "mainstem-project" : name;
}

function write(manifest: Json): string {
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

function describe({ folder, files, kept, install, packIn }: Made, asked: string): readonly string[] {
  const enter = relative(process.cwd(), folder) === "" ? [] : [`  cd ${asked}`];
  return [
    `made ${files.length} files in ${folder}:`,
    ...files.map((name) => `  ${name}`),
    ...(kept.length === 0 ? [] : [`kept what was there: ${kept.join(", ")}`]),
    "",
    "Next (README.md goes on from there):",
    ...(packIn === undefined ? [] : [`  npm --prefix ${packIn} run pack-all`]),
    ...enter,
    ...(install ? ["  npm install"] : []),
    "  npx mainstem dev",
  ];
}

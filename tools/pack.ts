// Makes the packages as they are published, in `dist/`: `npm run pack-all`. What is in the repository is TypeScript that Node runs as it is, but not below
// node_modules, so what is published is compiled, with a manifest of its own (docs/decisions/040-packages-are-made-in-a-folder-of-their-own.md).
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { isTest } from "./tidy/finding.ts";
import { repository } from "./source-files.ts";

/** In the order in which they need one another. */
const folders = ["contract", "client", "mainstem"] as const;
/** What goes along as it is, if it is there. */
const extras: Readonly<Record<(typeof folders)[number], readonly { readonly from: string; readonly to: string }[]>> = {
  contract: [],
  client: [],
  mainstem: [
    { from: "packages/mainstem/template", to: "template" },
    { from: "packages/web/dist", to: "web" },
    ...["guide", "operations", "reference", "formats", "web-page.png"].map((name) => ({ from: `docs/${name}`, to: `docs/${name}` })),
  ],
};

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly [key: string]: unknown;
}

/** Makes all packages below `target`, and gives their tarballs, in the order in which they need one another. */
export function packAll(target: string): readonly string[] {
  return folders.map((folder) => {
    const stage = join(target, folder);
    rmSync(stage, { recursive: true, force: true });
    const manifest = toPublished(JSON.parse(readFileSync(join(repository, "packages", folder, "package.json"), "utf8")) as Manifest);
    mkdirSync(stage, { recursive: true });
    compile(folder, { target });
    writeFileSync(join(stage, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
    for (const name of ["LICENSE", "CHANGELOG.md"]) cpSync(join(repository, name), join(stage, name));
    writeFileSync(join(stage, "README.md"), publishedReadme(folder));
    for (const { from, to } of extras[folder])
      if (existsSync(join(repository, from))) cpSync(join(repository, from), join(stage, to), { recursive: true, filter: (path) => !path.endsWith(".stamp") });
    return pack(stage, target);
  });
}

/** The manifest with compiled files in the place of sources, and without what only the repository needs. */
function toPublished({ exports, bin, scripts: _scripts, devDependencies: _devDependencies, ...rest }: Manifest): object {
  const compiled = (path: string): string => path.replace(/^\.\/src\//, "./dist/").replace(/\.ts$/, ".js");
  const entries = Object.entries(exports).map(([name, path]) => {
    const file = compiled(path);
    return [name, { types: file.replace(/\.js$/, ".d.ts"), default: file }];
  });
  const programs = bin === undefined ? {} : { bin: Object.fromEntries(Object.entries(bin).map(([name, path]) => [name, compiled(path)])) };
  return { ...rest, ...programs, exports: Object.fromEntries(entries) };
}

/** A package's README: its links to pages that it carries along lead there, the others are words. */
function publishedReadme(folder: (typeof folders)[number]): string {
  const carried = extras[folder].map(({ to }) => to);
  return readFileSync(join(repository, "packages", folder, "README.md"), "utf8").replaceAll(
    /\[([^\]]+)\]\(\.\.\/\.\.\/([^)]+)\)/g,
    (_link, words: string, path: string) => (carried.some((place) => path.startsWith(`${place}/`)) ? `[${words}](${path})` : words),
  );
}

/** Compiles what is no test. What a package imports of another one are its types as they are published. */
function compile(folder: string, { target }: { readonly target: string }): void {
  const source = join(repository, "packages", folder, "src");
  const stage = join(target, folder);
  const config = join(stage, "tsconfig.json");
  const types = folders
    .slice(0, folders.indexOf(folder as (typeof folders)[number]))
    .map((one) => [`@mainstem/${one}`, [join(target, one, "dist/index.d.ts")]]);
  const files = readdirSync(source, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => join(source, path))
    .filter((path) => !isTest(relative(repository, path)));
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    rootDir: source,
    outDir: join(stage, "dist"),
    paths: Object.fromEntries(types) as object,
    typeRoots: [join(repository, "node_modules/@types")],
  };
  writeFileSync(config, JSON.stringify({ extends: join(repository, "tsconfig.json"), compilerOptions, files, include: [] }));
  run(process.execPath, [join(repository, "node_modules/typescript/bin/tsc"), "-p", config]);
  rmSync(config);
  // The compiler rewrites imports in what runs, not in the types.
  for (const path of readdirSync(join(stage, "dist"), { recursive: true, encoding: "utf8" }).filter((one) => one.endsWith(".d.ts"))) {
    const file = join(stage, "dist", path);
    writeFileSync(file, readFileSync(file, "utf8").replaceAll(/((?:from|import\() ?"\.[^"]*)\.ts"/g, '$1.js"'));
  }
}

function pack(stage: string, target: string): string {
  const [made] = JSON.parse(run("npm", ["pack", stage, "--pack-destination", target, "--json", "--ignore-scripts"])) as readonly {
    readonly filename: string;
  }[];
  return join(target, (made?.filename ?? "").replace(/^@/, "").replace("/", "-"));
}

function run(program: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: repository, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${status}:\n${stdout ?? ""}${stderr ?? ""}`, { cause: error });
  return stdout;
}

if (import.meta.main) for (const tarball of packAll(join(repository, "dist"))) console.log(relative(process.cwd(), tarball));

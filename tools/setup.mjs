// Installs what is missing, and says nothing when nothing is. Runs before every npm script, under Node 20 or later, and uses
// nothing but Node itself. `npm install --no-save` instead of `npm ci`: the latter refuses lockfiles from which a registry without
// the other platforms' binaries had to leave them out (docs/decisions/003-setup-with-npm-install.md). Then builds the web page, if its sources changed.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const stampFile = join(root, "node_modules", ".mainstem-setup");
const lockFile = join(root, "package-lock.json");
const nodeMajor = 24;

/** What was wrong and what to do about it, for people; anything else that is thrown is a bug of this script. */
class SetupFailure extends Error {}

try {
  setUp();
  buildWebPage();
} catch (error) {
  if (!(error instanceof SetupFailure)) throw error;
  console.error(`\nMainstem could not be set up.\n${error.message}`);
  process.exitCode = 1;
}

function setUp() {
  if (Number(process.versions.node.split(".")[0]) < 20)
    throw new SetupFailure(`This is Node ${process.versions.node}. Install Node 20 or later (https://nodejs.org) and try again.`);
  const wanted = stampOf();
  if (readText(stampFile) === wanted && existsSync(nodeBinary())) return;
  const began = Date.now();
  console.error("Mainstem: installing what is missing (about half a minute the first time) …");
  const lockBefore = readFileSync(lockFile, "utf8");
  install();
  checkLock(lockBefore);
  ensureNode();
  writeFileSync(stampFile, wanted);
  console.error(`Mainstem: installed in ${((Date.now() - began) / 1000).toFixed(1)} s.`);
}

/** Changes when the lockfile or any manifest of the workspaces does. */
function stampOf() {
  const manifest = readFileSync(join(root, "package.json"), "utf8");
  const hash = createHash("sha256").update(readFileSync(lockFile)).update(manifest);
  for (const workspace of JSON.parse(manifest).workspaces) hash.update(readFileSync(join(root, workspace, "package.json")));
  return `${hash.digest("hex")} ${process.platform}-${process.arch}\n`;
}

function install() {
  const result = runNpm(["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"]);
  if (result.status === 0) return;
  const output = `${result.stdout}${result.stderr}`;
  throw new SetupFailure(`${remedyFor(output, result.error)}\n\nnpm said:\n${output.trim().split("\n").slice(-15).join("\n")}`);
}

function runNpm(args, cwd = root) {
  const cli = process.env.npm_execpath;
  const options = { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 64 * 1024 * 1024 };
  if (cli?.endsWith(".js") || cli?.endsWith(".cjs")) return spawnSync(process.execPath, [cli, ...args], options);
  return spawnSync("npm", args, { ...options, shell: process.platform === "win32" });
}

function remedyFor(output, error) {
  if (error?.code === "ENOENT") return "npm was not found: install Node 20 or later with its npm.";
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT|FetchError/.test(output))
    return "npm could not reach its registry: check the network, the proxy and `npm config get registry`, then run the same command again.";
  if (/EACCES|EPERM|EROFS/.test(output))
    return `npm may not write here: make ${root} writable for you (it was perhaps installed once with sudo: \`sudo chown -R "$USER" .\`), then try again.`;
  if (/ENOSPC/.test(output)) return "The disk is full: npm needs about 600 MB for node_modules.";
  if (/E404|ETARGET|No matching version/.test(output))
    return "The npm registry lacks a package that this project pins: see below, and check `npm config get registry`.";
  return "npm install failed. If its message below does not help, delete node_modules and try again.";
}

/** What was installed must be what the lockfile names, and the lockfile must be as it was. */
function checkLock(before) {
  if (readFileSync(lockFile, "utf8") !== before) {
    writeFileSync(lockFile, before);
    throw new SetupFailure(
      "The install wanted to change package-lock.json, so it does not fit the package.json files. Run `npm install` and commit the lockfile.",
    );
  }
  const locked = JSON.parse(before).packages;
  const installed = JSON.parse(readText(join(root, "node_modules", ".package-lock.json")) ?? '{"packages":{}}').packages;
  const faults = [];
  for (const [path, found] of Object.entries(installed)) {
    const entry = locked[path];
    if (entry === undefined) faults.push(`${path} ${found.version ?? ""} is not in the lockfile`);
    else if (entry.version !== found.version || entry.integrity !== found.integrity)
      faults.push(`${path} is ${found.version}, the lockfile says ${entry.version}`);
  }
  for (const [path, entry] of Object.entries(locked)) {
    const mayMiss = !path.startsWith("node_modules/") || entry.optional || entry.devOptional || entry.peer;
    if (!mayMiss && installed[path] === undefined) faults.push(`${path} ${entry.version} is in the lockfile and was not installed`);
  }
  if (faults.length > 0)
    throw new SetupFailure(
      `package-lock.json does not fit the package.json files:\n- ${faults.slice(0, 10).join("\n- ")}\nRun \`npm install\` and commit the lockfile.`,
    );
}

/** Node 24 comes as the package `node`, whose install script fetches the binary; npm may have been told to run no scripts. */
function ensureNode() {
  if (versionOf(nodeBinary()) === nodeMajor) return;
  const home = join(root, "node_modules", "node");
  const script = join(home, "installArchSpecificPackage.js");
  if (existsSync(script)) spawnSync(process.execPath, [script], { cwd: home, stdio: "ignore", env: { ...process.env, npm_config_ignore_scripts: "false" } });
  // npm links only binaries that are there when it looks.
  if (process.platform !== "win32" && existsSync(join(home, "bin", "node")) && !existsSync(nodeBinary())) symlinkSync("../node/bin/node", nodeBinary());
  const found = versionOf(nodeBinary());
  if (found === nodeMajor) return;
  throw new SetupFailure(
    `Mainstem runs on Node ${nodeMajor}, which comes with its packages, but node_modules/.bin/node ${found === undefined ? "does not run" : `is Node ${found}`}.\n` +
      `Run \`npm rebuild node\` (npm must be allowed to run install scripts: \`npm config get ignore-scripts\` should say false), or put Node ${nodeMajor} first on the PATH.`,
  );
}

/**
 * The web page, in `packages/web/dist`, when its sources or its packages are others than those of the last build. Everything but the page works
 * without it, so a failure is told and not made one of the setup: the server says at `/` that there is no page.
 */
function buildWebPage() {
  const home = join(root, "packages", "web");
  const built = join(home, "dist");
  const wanted = webStampOf(home);
  if (readText(join(built, ".stamp")) === wanted) return;
  const fresh = join(home, ".cache", `dist-${process.pid}`);
  const began = Date.now();
  const vite = join(root, "node_modules", "vite", "bin", "vite.js");
  const args = [vite, "build", "--logLevel", "warn", "--outDir", fresh, "--emptyOutDir"];
  const result = spawnSync(nodeBinary(), args, { cwd: home, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], shell: process.platform === "win32" });
  if (result.status !== 0) {
    rmSync(fresh, { recursive: true, force: true });
    console.error(`Mainstem: the web page could not be built, the rest works without it.\n${`${result.stdout}${result.stderr}`.trim() || result.error}`);
    return;
  }
  writeFileSync(join(fresh, ".stamp"), wanted);
  rmSync(built, { recursive: true, force: true });
  try {
    renameSync(fresh, built);
  } catch {
    // Another setup was quicker, with the same page.
    rmSync(fresh, { recursive: true, force: true });
  }
  console.error(`Mainstem: built the web page in ${((Date.now() - began) / 1000).toFixed(1)} s.`);
}

/** Changes when a source of the page, or the lockfile, does. */
function webStampOf(home) {
  const hash = createHash("sha256").update(readFileSync(lockFile));
  const sources = readdirSync(home, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((path) => !/^(dist|node_modules|\.cache)([\\/]|$)/.test(path.slice(home.length + 1)))
    .sort();
  for (const path of sources)
    hash
      .update(path.slice(home.length + 1))
      .update("\0")
      .update(readFileSync(path));
  return `${hash.digest("hex")}\n`;
}

function nodeBinary() {
  return join(root, "node_modules", ".bin", process.platform === "win32" ? "node.cmd" : "node");
}

function versionOf(binary) {
  try {
    const text = execFileSync(binary, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], shell: process.platform === "win32" });
    return Number(/^v(\d+)\./.exec(text)?.[1]);
  } catch {
    return undefined;
  }
}

function readText(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

import assert from "node:assert/strict";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { defineConfig, describeConfig, loadConfig, parseConfig, resolveSecret, type ConfigFault, type ConfigInput, type SecretReference } from "./config.ts";
import { MainstemError } from "./errors.ts";

test("without anything the defaults are those that are written down", () => {
  assert.deepEqual(parseConfig({}), {
    dataDir: join(process.cwd(), ".mainstem"),
    logLevel: "info",
    datasets: [],
    server: { host: "127.0.0.1", port: 7070, bodyBytesMax: 16_000_000, token: undefined },
    log: { driver: "embedded", partitions: 1, segmentBytes: 134_217_728, retention: {}, directory: undefined },
    objects: { driver: "directory", directory: undefined },
    state: { driver: "sqlite", file: undefined },
    archive: { every: 300_000, maxBytes: 256_000_000 },
    tables: { every: 60_000, minBytes: 0, snapshots: { keep: 604_800_000, least: 100, most: 1_000, grace: 3_600_000 }, memoryBytesMax: 1_000_000_000 },
  });
});

test("a flag wins over the environment, the environment over the file, the file over the default", async () => {
  await using folder = await scratch({
    "mainstem.config.yaml": "server: { port: 1001, bodyBytesMax: 1MB }\narchive: { every: 10s }\ntables: { every: 2500 }\n",
  });
  const env = { MAINSTEM_SERVER_PORT: "1002", MAINSTEM_ARCHIVE_EVERY: "20s", MAINSTEM_LOG_PARTITIONS: "4", MAINSTEM_LOG_LEVEL: "", PATH: "/bin" };
  const config = await loadConfig({ cwd: folder.path, env, flags: { "server.port": "1003", "log.partitions": undefined } });
  assert.equal(config.server.port, 1_003);
  assert.equal(config.archive.every, 20_000);
  assert.equal(config.server.bodyBytesMax, 1_000_000);
  assert.equal(config.tables.every, 2_500);
  assert.equal(config.log.partitions, 4);
  assert.equal(config.logLevel, "info", "an empty variable counts as not set");
});

test("defaults that a program brings give way to all that was given", async () => {
  await using folder = await scratch({ "etc/m.json": '{"server":{"port":1001}}' });
  const defaults = { "server.port": 1, "log.partitions": 3, dataDir: "d", "tables.every": "1s" };
  const config = await loadConfig({ cwd: folder.path, file: "etc/m.json", env: { MAINSTEM_TABLES_EVERY: "2s" }, defaults });
  assert.deepEqual([config.server.port, config.log.partitions, config.tables.every], [1_001, 3, 2_000]);
  assert.equal(config.dataDir, join(folder.path, "d"));
});

test("the same settings can be written in TypeScript, YAML and JSON", async () => {
  const settings = { dataDir: "data", server: { port: 0 }, log: { retention: { ms: "7d", bytes: "10GB" }, diskBytesMax: "1GiB" } };
  const files = {
    "mainstem.config.ts": `const port: number = 0;\nexport default { ...${JSON.stringify({ ...settings, server: undefined })}, server: { port } };\n`,
    "mainstem.config.yaml":
      "# Comments are fine.\ndataDir: data\nserver:\n  port: 0\n  token:\narchive:\n  # every: 1s\nlog:\n  retention: { ms: 7d, bytes: 10GB }\n  diskBytesMax: 1GiB\n",
    "mainstem.config.json": `\uFEFF${JSON.stringify(settings)}`,
  };
  for (const [name, text] of Object.entries(files)) {
    await using folder = await scratch({ [name]: text });
    const config = await loadConfig({ cwd: folder.path, env: {} });
    assert.equal(config.dataDir, join(folder.path, "data"), name);
    assert.equal(config.server.port, 0);
    assert.deepEqual(config.log.retention, { ms: 604_800_000, bytes: 10_000_000_000 });
    assert.equal(config.log.diskBytesMax, 1_073_741_824);
  }
  const input: ConfigInput = defineConfig({ archive: { every: "1s" }, datasets: "a.ts,b.ts" });
  assert.equal(input.archive?.every, "1s");
});

test("an empty file is a configuration without settings", async () => {
  for (const text of ["", "# nothing yet\n", "{}"]) {
    await using folder = await scratch({ "mainstem.config.yaml": text });
    assert.equal((await loadConfig({ cwd: folder.path, env: {} })).server.port, 7_070);
  }
});

test("paths in a file are relative to the file, all others to the working directory", async () => {
  await using folder = await scratch({
    "etc/m.json": JSON.stringify({ dataDir: "data", log: { directory: "../log" }, server: { token: "file:secret" }, state: { file: "/abs/s.db" } }),
  });
  const file = join(folder.path, "etc/m.json");
  const config = await loadConfig({ cwd: folder.path, file: "etc/m.json", env: { MAINSTEM_OBJECTS_DIRECTORY: "objects" } });
  assert.equal(config.dataDir, join(dirname(file), "data"));
  assert.equal(config.log.directory, join(folder.path, "log"));
  assert.equal(config.server.token, `file:${join(dirname(file), "secret")}`);
  assert.equal(config.state.file, "/abs/s.db");
  assert.equal(config.objects.directory, join(folder.path, "objects"));
  const overridden = await loadConfig({ cwd: folder.path, env: { MAINSTEM_CONFIG: file }, flags: { dataDir: "x" } });
  assert.equal(overridden.dataDir, join(folder.path, "x"));
  assert.equal((await loadConfig({ cwd: folder.path, env: {} })).dataDir, join(folder.path, ".mainstem"));
});

test("dataset patterns become the files that match, each once, in order", async () => {
  await using folder = await scratch({
    "d/b.ts": "",
    "d/a.ts": "",
    "d/a[1].ts": "",
    "d/notes.md": "",
    "d/sub.ts/x": "",
    "mainstem.config.yaml": "datasets: [d/a.ts, 'd/*.ts', 'd/a[1].ts']",
  });
  const expected = ["d/a.ts", "d/a[1].ts", "d/b.ts"].map((name) => join(folder.path, name));
  assert.deepEqual((await loadConfig({ cwd: folder.path, env: {} })).datasets, expected);
  assert.deepEqual((await loadConfig({ cwd: join(folder.path, "d"), env: { MAINSTEM_DATASETS: "a.ts, ../d/b.ts" } })).datasets, [expected[0], expected[2]]);
  const faults = await faultsOf(loadConfig({ cwd: folder.path, env: {}, flags: { datasets: ["d/*.ts", "no/*.ts", "d"] } }));
  assert.deepEqual(
    faults.map(({ path, received, source }) => [path, received, source]),
    [
      ["datasets[1]", '"no/*.ts"', "the command line"],
      ["datasets[2]", '"d"', "the command line"],
    ],
  );
});

test("all faults are told at once, each with its place, what was expected, and where it came from", async () => {
  await using folder = await scratch({
    "mainstem.config.yaml":
      "server: { port: 70000, hots: example.com }\narchive: 5m\nlog: { driver: kafka, partitions: 1.5, retention: { ms: [1] } }\nport: 1\ndata_dir: x\n",
  });
  const file = join(folder.path, "mainstem.config.yaml");
  const env = { MAINSTEM_TABLES_EVERY: "soon", MAINSTEM_SEVER_PORT: "1", MAINSTEM_TEST_SECONDS: "1", MAINSTEM_SERVER: "http://localhost" };
  const faults = await faultsOf(loadConfig({ cwd: folder.path, env, flags: { "tables.minBytes": "-1" } }));
  const told = new Map(faults.map(({ path, expected, received, source }) => [path, [expected, received, source]]));
  assert.deepEqual(told.get("server.port"), ["an integer from 0 to 65535", "70000", file]);
  assert.deepEqual(told.get("server.hots"), ["server.host", "an unknown setting", file]);
  assert.deepEqual(told.get("archive"), ["an object with every, maxBytes", '"5m"', file]);
  assert.deepEqual(told.get("log.driver"), ["embedded", '"kafka"', file]);
  assert.deepEqual(told.get("log.partitions"), ["an integer from 1 to 10000", "1.5", file]);
  assert.deepEqual(told.get("log.retention.ms")?.slice(1), ["a list of 1", file]);
  assert.deepEqual(told.get("port"), ["server.port", "an unknown setting", file]);
  assert.deepEqual(told.get("data_dir"), ["dataDir", "an unknown setting", file]);
  assert.deepEqual(told.get("tables.every")?.slice(1), ['"soon"', "MAINSTEM_TABLES_EVERY"]);
  assert.deepEqual(told.get("tables.minBytes")?.slice(1), ['"-1"', "the command line"]);
  assert.deepEqual(told.get(""), ["MAINSTEM_SERVER_PORT", "MAINSTEM_SEVER_PORT", "the environment"]);
  assert.equal(faults.length, 11);
});

test("values beside their limits are refused, those on them are not", () => {
  const ports: readonly (readonly [unknown, boolean])[] = [
    [0, true],
    [65_535, true],
    ["80", true],
    [" 80 ", true],
    [65_536, false],
    [-1, false],
    ["0x50", false],
    ["8e1", false],
    [Number.NaN, false],
    [true, false],
    [null, false],
    [[], false],
    ["9".repeat(400), false],
  ];
  for (const [port, fine] of ports) check({ server: { port } }, fine);
  const durations: readonly (readonly [unknown, boolean])[] = [
    ["100ms", true],
    ["99ms", false],
    ["24d", true],
    ["25d", false],
    ["5", false],
    ["5 m", true],
    ["5M", false],
    ["-5m", false],
    [`${"9".repeat(400)}d`, false],
    ["1d; rm", false],
    [{}, false],
    ["", false],
  ];
  for (const [every, fine] of durations) check({ archive: { every } }, fine);
  const sizes: readonly (readonly [unknown, boolean])[] = [
    [0, true],
    ["0B", true],
    ["1.5KB", true],
    ["1kb", false],
    [1.5, false],
    [2 ** 53, false],
    ["9007199254740993", false],
    [Infinity, false],
  ];
  for (const [minBytes, fine] of sizes) check({ tables: { minBytes } }, fine);
  for (const dataDir of ["", "  ", "a\u0000b", "a\nb", "\ud800", 7]) check({ dataDir }, false);
});

test("hostile files are faults, not crashes, and nothing of a broken file is shown", async () => {
  const hostile: Readonly<Record<string, string | Uint8Array>> = {
    "deep.json": "[".repeat(100_000),
    "cut.json": '{"server": {"token": "s3cret',
    "word.json": '{"server": {"token": s3cret}}',
    "list.json": "[]",
    "text.yaml": "just a text",
    "proto.json": '{"__proto__": {"port": 1}, "constructor": {"prototype": {}}}',
    "proto.yaml": "__proto__: { server: { port: 1 } }\nserver: { __proto__: { port: 2 } }",
    "twice.yaml": "server: { port: 1 }\nserver: { port: 2 }",
    "tag.yaml": "server: !!js/function 'function () { return 1 }'",
    "bomb.yaml": `a: &a [x]\n${Array.from({ length: 30 }, (_, index) => `k${index}: &b${index} [${Array.from({ length: 10 }, () => (index === 0 ? "*a" : `*b${index - 1}`)).join(", ")}]`).join("\n")}`,
    "loop.yaml": "server: &s\n  port: *s",
    "deep.yaml": "[".repeat(50_000),
    "tab.yaml": "server:\n\tport: 1",
    "documents.yaml": "server: { port: 1 }\n---\nserver: { port: 2 }",
    "bytes.json": Buffer.from([0x7b, 0xff, 0xfe, 0x7d]),
    "zeros.yaml": "\u0000\u0000\u0000",
    "large.yaml": `# ${"x".repeat(1_100_000)}`,
    "throws.ts": "throw new Error('no');",
    "syntax.ts": "export default {",
    "enum.ts": "enum A { B }\nexport default {};",
    "missing.ts": "import './no-such-file.ts';\nexport default {};",
    "none.ts": "export const config = {};",
    "function.ts": "export default () => ({ server: { port: 1 } });",
    "null.ts": "export default 7;",
    "settings.toml": "port = 1",
  };
  await using folder = await scratch(hostile);
  for (const name of Object.keys(hostile)) {
    const error = await errorOf(loadConfig({ cwd: folder.path, file: name, env: {} }));
    assert.equal(error.code, "config.invalid", name);
    assert.ok(!error.message.includes("s3cret"), name);
    assert.ok(error.message.length < 3_000 && error.message.includes(name), `${name}: ${error.message.slice(0, 500)}`);
  }
  assert.equal(({} as { port?: unknown }).port, undefined);
  assert.equal(({} as { server?: unknown }).server, undefined);
});

test("a file that is named and missing, and two files at once, are faults", async () => {
  await using folder = await scratch({ "mainstem.config.ts": "export default {};", "mainstem.config.yaml": "" });
  const [both] = await faultsOf(loadConfig({ cwd: folder.path, env: {} }));
  assert.equal(both?.received, "mainstem.config.ts and mainstem.config.yaml");
  const [missing, port] = await faultsOf(loadConfig({ cwd: folder.path, file: "other.json", env: { MAINSTEM_SERVER_PORT: "x" } }));
  assert.equal(missing?.source, join(folder.path, "other.json"));
  assert.equal(port?.path, "server.port", "the rest is checked all the same");
  await mkdir(join(folder.path, "folder.json"));
  assert.equal((await errorOf(loadConfig({ cwd: folder.path, file: "folder.json", env: {} }))).code, "config.invalid");
});

test("a secret is a reference, and a value in its place is never shown", async () => {
  for (const token of ["hunter2", "env:", "env:1A", "env:A B", "file:", 12_345_678, { secret: "hunter2" }, ["hunter2"]]) {
    const error = captured(() => parseConfig({ server: { token } } as ConfigInput));
    assert.equal(error.code, "config.invalid");
    assert.doesNotMatch(JSON.stringify([error.message, error.facts]), /hunter2|12345678/);
  }
  await using folder = await scratch({ "mainstem.config.json": '{"server":{"token":"env:MAINSTEM_SERVER_TOKENS"}}' });
  const config = await loadConfig({ cwd: folder.path, env: { MAINSTEM_SERVER_TOKENS: "a" } });
  assert.equal(config.server.token, "env:MAINSTEM_SERVER_TOKENS", "a variable that a secret is read from is no slip");
});

test("the variable of a secret may hold the secret itself, which then stays there", async () => {
  await using folder = await scratch({});
  const env = { MAINSTEM_SERVER_TOKEN: "hunter2", MAINSTEM_SERVER_HOST: "0.0.0.0" };
  const config = await loadConfig({ cwd: folder.path, env });
  assert.equal(config.server.token, "env:MAINSTEM_SERVER_TOKEN");
  assert.ok(!JSON.stringify(config).includes("hunter2"));
  assert.equal(await resolveSecret(config.server.token as SecretReference, { setting: "server.token", env }), "hunter2");
  assert.equal((await loadConfig({ cwd: folder.path, env: { MAINSTEM_SERVER_TOKEN: "env:OTHER" } })).server.token, "env:OTHER");
});

test("secrets come from the environment or a file, or are missed by name", async () => {
  await using folder = await scratch({ token: "hunter2\n", empty: "\n", large: "x".repeat(70_000), bytes: Buffer.from([0xff]) });
  const of = (reference: string) => resolveSecret(reference as SecretReference, { setting: "server.token", env: { TOKEN: "hunter3", EMPTY: "" } });
  assert.equal(await of("env:TOKEN"), "hunter3");
  assert.equal(await of(`file:${folder.path}/token`), "hunter2");
  for (const missing of ["env:NOTHING", "env:EMPTY", ...["none", "empty", "large", "bytes", "."].map((name) => `file:${folder.path}/${name}`)])
    await assert.rejects(
      of(missing),
      (error: MainstemError) => error.code === "config.invalid" && error.message.includes(missing.slice(5)) && error.message.includes("server.token"),
    );
});

test("an address that other machines can reach needs a token", () => {
  for (const host of ["127.0.0.1", "127.8.9.10", "::1", "localhost", "LOCALHOST"]) assert.equal(parseConfig({ server: { host } }).server.host, host);
  for (const host of ["0.0.0.0", "::", "192.168.1.7", "example.com", "127.0.0.1.example.com", "localhost.example.com", "::ffff:10.0.0.1", "127.1"]) {
    assert.equal(captured(() => parseConfig({ server: { host } })).code, "server.tokenRequired", host);
    assert.equal(parseConfig({ server: { host, token: "env:TOKEN" } }).server.host, host);
  }
});

test("every setting has a variable of its own, by one rule", () => {
  const entries = describeConfig();
  const variables = new Map(entries.map(({ path, env }) => [path, env]));
  assert.equal(variables.get("dataDir"), "MAINSTEM_DATA_DIR");
  assert.equal(variables.get("server.port"), "MAINSTEM_SERVER_PORT");
  assert.equal(variables.get("archive.every"), "MAINSTEM_ARCHIVE_EVERY");
  assert.equal(variables.get("log.retention.ms"), "MAINSTEM_LOG_RETENTION_MS");
  assert.equal(variables.get("tables.memoryBytesMax"), "MAINSTEM_TABLES_MEMORY_BYTES_MAX");
  assert.equal(new Set(variables.values()).size, entries.length);
  for (const { description, expected } of entries) assert.ok(/^[A-Z].*\.$/s.test(description) && expected.length > 0);
});

function check(input: object, fine: boolean): void {
  if (fine) return void parseConfig(input);
  const error = captured(() => parseConfig(input));
  assert.equal(error.code, "config.invalid", JSON.stringify(input).slice(0, 100));
}

function captured(work: () => unknown): MainstemError {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof MainstemError);
    return error;
  }
  return assert.fail("nothing was thrown");
}

async function errorOf(work: Promise<unknown>): Promise<MainstemError> {
  const [outcome] = await Promise.allSettled([work]);
  assert.ok(
    outcome.status === "rejected" && outcome.reason instanceof MainstemError,
    outcome.status === "rejected" ? String(outcome.reason) : "nothing was thrown",
  );
  return outcome.reason;
}

async function faultsOf(work: Promise<unknown>): Promise<readonly ConfigFault[]> {
  const error = await errorOf(work);
  assert.equal(error.code, "config.invalid");
  return error.facts["faults"] as readonly ConfigFault[];
}

async function scratch(files: Readonly<Record<string, string | Uint8Array>>): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await realpath(await mkdtemp(join(tmpdir(), "mainstem-config-")));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), content);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

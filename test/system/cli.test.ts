// The command line as a program: what it writes where, and with which exit code it ends.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { until } from "../../packages/mainstem/src/runtime/testing/until.ts";
import { createProgram, everyCommand } from "../../packages/mainstem/src/cli/program.ts";
import { ordersContract, runCommand, type Ended } from "./command-line.ts";
import { cliEntry, startPlatform, temporaryFolder, type RunningPlatform } from "./running-platform.ts";

const contract = { ...ordersContract({ name: "note", type: ["null", "string"], default: null }), description: "Orders." };
const lines = [
  { id: "a", revision: 1 },
  { id: "b", revision: "soon" },
  { id: "a", revision: 2, note: "\u001b[31mred" },
  { id: 7, revision: 1 },
]
  .map((record) => JSON.stringify(record))
  .join("\n");

interface Called {
  readonly args: readonly string[];
  readonly code: number;
  readonly output: readonly string[];
  readonly errors: readonly string[];
}

describe("the command line", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let platform: RunningPlatform;
  before(async () => {
    folder = await temporaryFolder();
    await writeFile(join(folder.path, "orders.json"), JSON.stringify(contract));
    platform = await startPlatform({ cwd: folder.path, env: { MAINSTEM_ARCHIVE_EVERY: "200ms", MAINSTEM_TABLES_EVERY: "200ms" } });
  });
  after(async () => {
    await platform?.[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const run = (
    args: readonly string[],
    { input = "", env = {} }: { readonly input?: string; readonly env?: Readonly<Record<string, string>> } = {},
  ): Promise<Ended> => {
    return runCommand(args, { cwd: folder.path, env: { MAINSTEM_SERVER: platform.url, ...env }, input });
  };
  /** Many command lines in one process, one after the other. */
  const runMany = async (lists: readonly (readonly string[])[]): Promise<readonly Called[]> => {
    const child = spawn(process.execPath, [join(import.meta.dirname, "many-commands.ts"), JSON.stringify(lists)], {
      cwd: folder.path,
      env: { ...process.env, MAINSTEM_SERVER: platform.url },
      stdio: ["ignore", "pipe", "inherit"],
    });
    return JSON.parse(await text(child.stdout)) as readonly Called[];
  };
  const untilRows = async (count: number): Promise<void> => {
    const look = async (): Promise<boolean> => {
      const { output } = await run(["query", "SELECT count(*) AS n FROM shop.orders", "--json"]);
      return (JSON.parse(output) as { readonly n: number }).n >= count;
    };
    await until(`${count} rows are in the table`, look, { everyMs: 100 });
  };

  test("declares, sends, tails, queries and lists", async () => {
    assert.deepEqual(await run(["apply", "orders.json"]), { code: 0, output: "created   shop.orders  version 1\n", errors: "" });
    assert.match((await run(["apply", "orders.json", "--json"])).output, /^\{"kind":"unchanged","name":"shop.orders","version":1,.*\}\n$/);

    const sent = await run(["send", "shop.orders"], { input: lines });
    assert.equal(sent.code, 1, "something was refused");
    assert.match(sent.output, /^shop\.orders: 2 accepted, 2 refused\n/);
    assert.match(sent.output, /^ +1 × record\.invalid at revision: expected long.*, received string "soon" \(line 2\)$/m);
    assert.match(sent.output, /^ +1 × record\.invalid at id: expected string, received number 7 \(line 4\)$/m);
    const kept = await run(["send", "shop.orders", "--invalid", "inbox", "--json", "-"], { input: `[${lines.replaceAll("\n", ",")}]` });
    assert.equal(kept.code, 0);
    assert.deepEqual(JSON.parse(kept.output), { dataset: "shop.orders", accepted: 2, quarantined: 2, refused: 0, causes: [] });

    const tail = await run(["tail", "shop.orders", "--limit", "2", "--json"]);
    assert.deepEqual(
      tail.output
        .trim()
        .split("\n")
        .map((line) => (JSON.parse(line) as { readonly value: unknown }).value),
      [
        { id: "a", revision: 1, note: null },
        { id: "a", revision: 2, note: "\u001b[31mred" },
      ],
    );
    const shown = await run(["tail", "shop.orders"]);
    assert.ok(!shown.output.includes("\u001b"), "no record moves the screen's cursor");

    await untilRows(1);
    const rows = await run(["query", "SELECT id, revision FROM shop.orders"]);
    assert.deepEqual({ ...rows, errors: rows.errors.trim() }, { code: 0, output: "id  revision\na          2\n", errors: "1 row" });
    const [snapshot] = (await run(["snapshots", "shop.orders", "--json"])).output.trim().split("\n");
    const { id } = JSON.parse(snapshot ?? "") as { readonly id: string };
    assert.equal((await run(["query", "SELECT revision FROM shop.orders", "--at", `shop.orders=${id}`, "--json"])).output, '{"revision":2}\n');
    assert.equal((await run(["query", "SELECT revision FROM shop.orders", "--at", "2020-01-01T00:00:00Z", "--json"])).output, "");

    assert.match((await run(["datasets"])).output, /^dataset +version +in the log +rows.*\nshop\.orders +1 +4 +1 /);
    assert.match((await run(["describe", "shop.orders"])).output, /in the inbox +2 records/);

    const schema = JSON.stringify({ type: "record", name: "refunds", namespace: "shop", fields: [{ name: "id", type: "string" }] });
    const registered = await fetch(`${platform.url}/registry/subjects/shop.refunds-value/versions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ schema }),
    });
    assert.equal(registered.status, 200);
    assert.match((await run(["datasets"])).output, /\n\nshop\.refunds waits for its contract: it has a schema, version 1 of shop\.refunds-value\.\n.*apply/);
    const listed = (await run(["datasets", "--json"])).output.trim().split("\n");
    assert.deepEqual(
      listed.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>).map(({ name, waitsFor }) => [name, waitsFor]),
      [
        ["shop.orders", undefined],
        ["shop.refunds", "contract"],
      ],
    );
    const status = await run(["status", "--json"]);
    assert.deepEqual([status.code, (JSON.parse(status.output) as { readonly status: string }).status], [0, "ok"]);
  });

  test("ends with 2 when it is called wrongly, and with 1 when it fails, saying what to do", async () => {
    for (const args of [
      [],
      ["nope"],
      ["describe"],
      ["tail", "shop.orders", "--limit", "many"],
      ["query", "select 1", "--at", "noon"],
      ["--server", "::", "status"],
    ])
      assert.equal((await run(args)).code, 2, args.join(" "));
    const unknown = await run(["describe", "shop.nothing"]);
    assert.equal(unknown.code, 1);
    assert.match(unknown.errors, /^error: .*shop\.nothing.*\[registry\.datasetUnknown\]\n {2}\S/);
    assert.equal(unknown.output, "");
    const nobody = await run(["status", "--json"], { env: { MAINSTEM_SERVER: "http://127.0.0.1:1" } });
    assert.equal(nobody.code, 1);
    assert.match(nobody.errors, /^\{"error":\{"code":"cli\.noServer".*mainstem dev/);
    assert.equal((await run(["send", "shop.orders", "missing.ndjson"])).code, 1);
    const large = await run(["send", "shop.orders"], { input: `[${" ".repeat(17_000_000)}]` });
    assert.equal(large.code, 1);
    assert.match(large.errors, /\[ingest\.tooLarge\]\n.*jq -c '\.\[\]' FILE \| mainstem send shop\.orders\n/);
    await writeFile(join(folder.path, "bad.yaml"), "name: shop.bad\nschema: 7\n");
    const bad = await run(["apply", "bad.yaml"]);
    assert.equal(bad.code, 1);
    assert.match(bad.errors, /^error: .* schema: .* \[contract\.invalid\]\n {2}\S/);
  });

  test("sends CSV: types from the contract, what cannot be read refused by its line", async () => {
    const table = '\ufeffid;revision;note\r\nc1;1;"two\r\nlines; and ""quotes"""\r\nc2;soon;\r\nc3;1\r\nc4;1;"cut\r\nc5;2;NULL\r\n';
    await writeFile(join(folder.path, "orders.csv"), table);
    const args = ["send", "shop.orders", "orders.csv", "--delimiter", ";", "--null", "NULL"];
    const sent = await run(args);
    assert.equal(sent.code, 1, sent.errors);
    assert.match(sent.output, /^shop\.orders: 2 accepted, 3 refused\n/);
    assert.match(sent.output, /^ +1 × record\.invalid at revision: expected long.*, received string "soon" \(line 4\)$/m);
    assert.match(sent.output, /^ +1 × cli\.csv: expected 3 fields, as in the header row, received 2 \(line 5\)$/m);
    assert.match(sent.output, /^ +1 × cli\.csv: expected a closing quote, received the end of the file \(line 6\)$/m);
    const { causes } = JSON.parse((await run([...args, "--json"])).output) as { readonly causes: readonly { readonly lines: readonly number[] }[] };
    assert.deepEqual(
      causes.map(({ lines: [line] }) => line),
      [5, 6, 4],
    );
    const { output } = await run(["tail", "shop.orders", "--json"]);
    const notes = output.split("\n").flatMap((line) => /"id":"c[15]".*"note":(.*?)\}/.exec(line)?.[1] ?? []);
    assert.deepEqual([...new Set(notes)].sort(), ['"two\\r\\nlines; and \\"quotes\\""', "null"]);
    const wrong = await run(["send", "shop.orders", "--format", "csv"], { input: "id,revison\n1,2\n" });
    assert.equal(wrong.code, 1);
    assert.match(wrong.errors, /no field "revison" \(perhaps revision\).*\[cli\.csv\]/);
    assert.equal((await run(["send", "shop.orders", "orders.csv", "--delimiter", "::"])).code, 2);
  });

  test("pauses, resumes and resets tasks, and says why where it cannot", async () => {
    const paused = await run(["pause", "table.shop.orders", "--reason", "the disk moves", "--json"]);
    const { verdict, paused: pause } = JSON.parse(paused.output) as { readonly verdict: string; readonly paused: { readonly reason: string } };
    assert.deepEqual([paused.code, verdict, pause.reason], [0, "paused", "the disk moves"]);
    assert.match((await run(["status"])).output, /: degraded\n.*\[task\.paused\]\n[^]*\ntable\.shop\.orders +paused +paused .*: the disk moves\n/);
    assert.equal((await run(["resume", "table.shop.orders"])).code, 0);
    assert.equal((await run(["reset", "archive.shop.orders", "--to", "chain-end"])).code, 0);
    const refused = await run(["reset", "table.shop.orders", "--to", "beginning"]);
    assert.equal(refused.code, 1);
    assert.match(refused.errors, /rebuild the dataset.*\[task\.resetRefused\]/);
    assert.equal((await run(["reset", "archive.shop.orders"])).code, 2);
  });

  test("every command writes JSON and nothing else with --json, also when it fails or was called wrongly", async () => {
    const rebuilt = await run(["rebuild", "shop.orders", "--json"]);
    assert.equal(rebuilt.code, 0, rebuilt.errors);
    await writeFile(join(folder.path, "next.json"), JSON.stringify({ ...contract, description: "All orders." }));
    const calls: Readonly<Record<string, readonly string[]>> = {
      init: ["project"],
      plan: ["next.json"],
      apply: ["next.json"],
      export: ["shop.orders"],
      convert: ["orders.json", "--format", "avsc"],
      types: ["shop.orders"],
      datasets: [],
      describe: ["shop.orders"],
      send: ["shop.orders", "orders.csv", "--delimiter", ";", "--null", "NULL"],
      tail: ["shop.orders", "--limit", "3"],
      query: ["SELECT id FROM shop.orders"],
      snapshots: ["shop.orders"],
      "inbox list": ["shop.orders"],
      "inbox show": ["shop.orders", "no-such-entry"],
      "inbox preview": ["shop.orders", "--all"],
      "inbox retry": ["shop.orders", "--all"],
      "inbox drop": ["shop.orders", "--all", "--reason", "a test"],
      replay: ["shop.orders", "--list"],
      rebuild: ["shop.orders", "--discard"],
      close: ["shop.orders"],
      status: [],
      pause: ["archive.shop.orders"],
      resume: ["archive.shop.orders"],
      reset: ["archive.shop.orders", "--to", "beginning"],
      doctor: ["--port", "many"],
      completion: ["bash"],
      complete: ["--", "send", "shop.o"],
    };
    // Those that run the platform have tests of their own.
    const others = new Set(["dev", "start"]);
    const names = everyCommand(createProgram(async () => undefined))
      .filter(({ commands }) => commands.length === 0)
      .map((command) => (command.parent?.parent == null ? command.name() : `${command.parent.name()} ${command.name()}`));
    assert.deepEqual(Object.keys(calls).sort(), names.filter((name) => !others.has(name)).sort());
    const lists = Object.entries(calls).map(([name, args]) => ["--json", ...name.split(" "), ...args]);
    const offered = (await run(["complete", "--", "send", "shop.o"])).output;
    assert.equal(offered, "shop.orders\tOrders.\n", "names of datasets are the server's");
    const wrong = ["send", "nope", "reset", "inbox nope"].map((line) => [...line.split(" "), "--json"]);
    for (const { args, code, output, errors } of await runMany([...lists, ...wrong, ["--json"]])) {
      const of = args.join(" ");
      for (const line of output) assert.doesNotThrow(() => JSON.parse(line), `${of}: ${line}`);
      if (code === 0) assert.deepEqual(errors, [], of);
      else if (output.length === 0) assert.match(errors.join("\n"), /^\{"error":\{"code":"[\w.]+","message":".*\}\}$/, of);
      assert.equal(code === 2, wrong.some((one) => one.join() === args.join()) || args.length === 1, of);
    }
  });

  test("Ctrl-C ends a long send with 130 and says what was sent", async () => {
    const record = (index: number): string => `${JSON.stringify({ id: `cut${index}`, revision: 1, note: "n".repeat(1_000) })}\n`;
    const countOf = async (): Promise<number> => {
      const answer = (await (await fetch(`${platform.url}/v1/datasets/shop.orders`)).json()) as { readonly records: number };
      return answer.records;
    };
    const already = await countOf();
    const child = spawn(process.execPath, [cliEntry, "send", "shop.orders"], { env: { ...process.env, MAINSTEM_SERVER: platform.url } });
    let output = "";
    let errors = "";
    child.stdout.on("data", (part: Buffer) => (output += part.toString()));
    child.stderr.on("data", (part: Buffer) => (errors += part.toString()));
    const ended = new Promise((resolve) => child.on("close", resolve));
    // More than one request's worth, and then a pipe that stays open.
    child.stdin.on("error", () => undefined).write(Array.from({ length: 5_000 }, (_, index) => record(index)).join(""));
    await until("something is taken", async () => (await countOf()) > already, { everyMs: 50 });
    child.kill("SIGINT");
    assert.equal(await ended, 130);
    const sent = (await countOf()) - already;
    assert.equal(output, `shop.orders: ${sent.toLocaleString("en-US")} accepted, 0 refused; the rest was not sent\n`);
    assert.equal(errors, "interrupted\n");
  });

  test("Ctrl-C says that nothing was sent where the server had no room for anything", async () => {
    const asked = Promise.withResolvers<void>();
    const server = createServer((request, response) => {
      request.resume().on("end", () => {
        const problem = { code: "log.full", detail: "The log is full.", remedy: "Free some space.", status: 503 };
        response.writeHead(503, { "content-type": "application/problem+json" }).end(JSON.stringify(problem), () => asked.resolve());
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const child = spawn(process.execPath, [cliEntry, "send", "shop.orders"], { env: { ...process.env, MAINSTEM_SERVER: `http://127.0.0.1:${port}` } });
    child.stdin.on("error", () => undefined).end('{"id":"a","revision":1}\n');
    const said = Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    await asked.promise;
    child.kill("SIGINT");
    const [output, errors, [code]] = await said;
    server.close();
    assert.deepEqual([output, errors, code], ["shop.orders: 0 accepted, 0 refused; the rest was not sent\n", "interrupted\n", 130]);
  });

  test("help and version end well", async () => {
    for (const args of [["--help"], ["--version"], ["send", "--help"]]) assert.equal((await run(args)).code, 0, args.join(" "));
    assert.match((await run(["query", "--help"])).output, /Examples:/);
  });

  test("is content when its reader has read enough", async () => {
    const many = Array.from({ length: 20_000 }, (_, index) => JSON.stringify({ id: `k${index}`, revision: 1, note: "n".repeat(50) })).join("\n");
    assert.equal((await run(["send", "shop.orders"], { input: many })).code, 0);
    const child = spawn(process.execPath, [cliEntry, "tail", "shop.orders"], {
      env: { ...process.env, MAINSTEM_SERVER: platform.url },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let errors = "";
    child.stderr.on("data", (part: Buffer) => (errors += part.toString()));
    child.stdout.once("data", () => child.stdout.destroy());
    const code = await new Promise((resolve) => child.on("close", resolve));
    assert.deepEqual({ code, errors }, { code: 0, errors: "" });
  });

  test("a second platform on the same data says who has it, and ends with 1", async () => {
    const second = await run(["dev", "--port", "0"]);
    assert.equal(second.code, 1);
    assert.match(second.errors, /\[log\.locked\]/);
  });

  test("the doctor finds the server that has the data open, and what would be in the way of another", async () => {
    const examine = async (...args: readonly string[]): Promise<{ readonly code: number | null; readonly verdicts: ReadonlyMap<string, string> }> => {
      const { code, output, errors } = await run(["doctor", "--json", ...args]);
      assert.equal(errors, "");
      const { checks } = JSON.parse(output) as { readonly checks: readonly { readonly name: string; readonly verdict: string; readonly message: string }[] };
      return { code, verdicts: new Map(checks.map(({ name, verdict, message }) => [name, `${verdict}: ${message}`])) };
    };
    const port = new URL(platform.url).port;
    const here = await examine("--port", port);
    assert.equal(here.code, 0, [...here.verdicts].join("\n"));
    assert.equal(here.verdicts.get("lock"), `ok: process ${platform.pid} has the data directory open`);
    assert.equal(here.verdicts.get("server"), `ok: it runs, and answers at ${platform.url}`);
    assert.match(here.verdicts.get("stored data") ?? "", /^ok: \d+ topics; state of format 1/);
    const other = await examine("--port", port, "--data-dir", "other");
    assert.equal(other.code, 1);
    assert.match(other.verdicts.get("port") ?? "", /^failed: .* is used by another program/);
    assert.equal(other.verdicts.get("stored data"), "ok: nothing yet");
    const wrong = await examine("--port", "many");
    assert.match(wrong.verdicts.get("configuration") ?? "", /^failed: .*server\.port/s);
    assert.match(wrong.verdicts.get("data directory") ?? "", /^skipped: /);
  });

  test("start runs the platform as it is configured, logs to standard error, and ends well when it is told to", async () => {
    await writeFile(join(folder.path, "server.yaml"), "dataDir: started\ndatasets: [orders.json]\nserver: { port: 0, registryPort: 0 }\n");
    const child = spawn(process.execPath, [cliEntry, "start", "--config", "server.yaml", "--json"], { cwd: folder.path });
    let errors = "";
    child.stderr.on("data", (part: Buffer) => (errors += part.toString()));
    const ended = new Promise((resolve) => child.on("close", resolve));
    const ready = await new Promise<string>((resolve) => child.stdout.once("data", (part: Buffer) => resolve(part.toString())));
    const { url, registryUrl, dataDir } = JSON.parse(ready) as { readonly url: string; readonly registryUrl: string; readonly dataDir: string };
    assert.equal(dataDir, join(folder.path, "started"));
    assert.equal((await fetch(`${url}/v1/datasets/shop.orders`)).status, 200);
    assert.deepEqual(await (await fetch(`${registryUrl}/subjects`)).json(), ["shop.orders-value"]);
    child.kill("SIGTERM");
    assert.equal(await ended, 0, errors);
    const messages = errors
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { readonly msg: string }).msg);
    assert.ok(messages.includes("ready") && messages.includes("closing"), errors);
  });

  test("start leaves a dataset as it is that a lagging file would change back, and opens the doors", async () => {
    await writeFile(join(folder.path, "lagging.json"), JSON.stringify(ordersContract()));
    await writeFile(join(folder.path, "lagging.yaml"), "dataDir: started\ndatasets: [lagging.json]\nserver: { port: 0 }\n");
    const child = spawn(process.execPath, [cliEntry, "start", "--config", "lagging.yaml", "--json"], { cwd: folder.path });
    let errors = "";
    child.stderr.on("data", (part: Buffer) => (errors += part.toString()));
    const ended = new Promise((resolve) => child.on("close", resolve));
    const ready = await new Promise<string>((resolve) => child.stdout.once("data", (part: Buffer) => resolve(part.toString())));
    const { url } = JSON.parse(ready) as { readonly url: string };
    const detail = (await (await fetch(`${url}/v1/datasets/shop.orders`)).json()) as { readonly contract: { readonly schema: { readonly fields: unknown[] } } };
    assert.equal(detail.contract.schema.fields.length, 3);
    child.kill("SIGTERM");
    assert.equal(await ended, 0, errors);
    assert.match(errors, /"dataset":"shop\.orders","file":"[^"]*lagging\.json","code":"contract\.incompatible".*"dataset stays as it was"/);
  });

  test("follows the log until it is told to stop, which is no failure", async () => {
    const child = spawn(process.execPath, [cliEntry, "tail", "shop.orders", "--follow", "--from", "end", "--json"], {
      env: { ...process.env, MAINSTEM_SERVER: platform.url },
    });
    const shown = new Promise<string>((resolve) => child.stdout.once("data", (part: Buffer) => resolve(part.toString())));
    const ended = new Promise((resolve) => child.on("close", resolve));
    // It begins at the end, and nobody knows when it looked: so records are sent until one is shown.
    const sendOne = () => run(["send", "shop.orders"], { input: '{"id":"live","revision":1}' });
    while (!(await Promise.race([shown.then(() => true), sendOne().then(() => false)])));
    assert.match(await shown, /"id":"live"/);
    child.kill("SIGINT");
    assert.equal(await ended, 0);
  });
});

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import type { Command } from "commander";
import { createProgram, everyCommand, fitHelp } from "./program.ts";

/** The program with commands that do nothing but tell that they were called. */
function quietProgram(): { readonly program: Command; readonly called: string[] } {
  const called: string[] = [];
  const program = createProgram(async (command) => void called.push(pathOf(command)));
  for (const command of everyCommand(program)) command.exitOverride().configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
  return { program, called };
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function helpOf(command: Command): string {
  let help = "";
  command.configureOutput({ writeOut: (text) => (help += text) });
  command.outputHelp();
  return help;
}

/** The examples of a command's help: what stands after the title, up to a blank line. */
function examplesOf(command: Command): readonly string[] {
  const [, after = ""] = helpOf(command).split("\nExamples:\n");
  return (after.split("\n\n", 1)[0] ?? "").split("\n").filter((line) => line.trim() !== "");
}

/** The words of the part of a shell line that calls mainstem, without variables before it, and without pipes and redirections. */
function wordsOf(line: string): readonly string[] {
  const words = [...line.matchAll(/'([^']*)'|"([^"]*)"|([^\s'"]+)/g)].map(([, single, double, bare]) => single ?? double ?? bare ?? "");
  const from = words.indexOf("mainstem") + 1;
  const end = words.findIndex((word, index) => index >= from && ["|", ">", ">>", "&&"].includes(word));
  return words.slice(from, end === -1 ? undefined : end);
}

test("every command says what it does, and what each of its arguments and options is", () => {
  for (const command of everyCommand(quietProgram().program)) {
    const name = pathOf(command);
    assert.match(command.description(), /^\S.*[^.\s]\.?$/, `${name} has no description`);
    for (const option of command.options) assert.notEqual(option.description, "", `${name} ${option.flags} has no description`);
    for (const argument of command.registeredArguments) assert.notEqual(argument.description, "", `${name} <${argument.name()}> has no description`);
  }
});

test("the help of every command fits the screen, but for examples, which stay one line", () => {
  for (const command of everyCommand(quietProgram().program)) {
    command.configureOutput({ getOutHelpWidth: () => 60 });
    const lines = fitHelp(helpOf(command), 60).split("\n");
    assert.deepEqual(
      lines.filter((line) => line.length > 60 && !line.startsWith("  ")),
      [],
      pathOf(command),
    );
  }
  assert.equal(fitHelp("One two\nthree.\n\nExamples:\n  a line that stays\n", 10), "One two\nthree.\n\nExamples:\n  a line that stays\n");
  assert.equal(fitHelp("One two\nthree four.\n", 12), "One two\nthree four.\n");
  assert.equal(fitHelp("One\ntwo three four.\n", 12), "One two\nthree four.\n");
});

test("every command shows examples, and each of them is a right call of it", async () => {
  for (const command of everyCommand(quietProgram().program)) {
    const name = pathOf(command);
    const examples = examplesOf(command);
    assert.ok(examples.length > 0, `${name} --help shows no example`);
    assert.ok(
      examples.some((line) => `${line} `.includes(`${name} `)),
      `no example of ${name} calls it`,
    );
    for (const line of examples) {
      assert.match(line, /^ {2}.*\bmainstem /, `an example of ${name}`);
      const { program, called } = quietProgram();
      const asksForHelp = wordsOf(line).includes("--help");
      await program.parseAsync(wordsOf(line), { from: "user" }).catch((error: Error) => assert.ok(asksForHelp, `${line.trim()}: ${error.message}`));
      assert.equal(called.length, asksForHelp ? 0 : 1, line);
    }
  }
});

test("every command takes --json, wherever it stands, and no option of its own hides a global one", async () => {
  const globals = new Set(quietProgram().program.options.flatMap(({ long, short }) => [long, short]));
  for (const command of everyCommand(quietProgram().program).slice(1))
    for (const { long, short } of command.options) {
      assert.ok(!globals.has(long), `${pathOf(command)} ${long}`);
      assert.ok(short === undefined || !globals.has(short), `${pathOf(command)} ${short}`);
    }
  for (const args of [
    ["--json", "datasets"],
    ["datasets", "--json"],
    ["inbox", "list", "shop.orders", "--json"],
  ]) {
    const asked: boolean[] = [];
    const program = createProgram(async (command) => void asked.push(command.optsWithGlobals<{ readonly json?: boolean }>().json === true));
    await program.parseAsync(args, { from: "user" });
    assert.deepEqual(asked, [true], args.join(" "));
  }
});

test("a command begins without the libraries that only some of them need", () => {
  const program = JSON.stringify(new URL("program.ts", import.meta.url).href);
  const script = `const loaded = [];
    require("node:module").registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    import(${program}).then(() => console.log(loaded.join("\\n")));`;
  const loaded = spawnSync(process.execPath, ["-e", script], { encoding: "utf8" }).stdout.split("\n");
  assert.ok(
    loaded.some((name) => name.includes("/commander/")),
    "the list tells",
  );
  const heavy = /\/node_modules\/(?:yaml|pino|@duckdb|fastify)\/|^node:(?:https?|sqlite)$/;
  assert.deepEqual(
    loaded.filter((name) => heavy.test(name)),
    [],
  );
});

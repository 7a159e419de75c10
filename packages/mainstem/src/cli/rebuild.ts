import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { isAbort } from "../runtime/errors.ts";
import { path } from "./client.ts";
import { print, type Context, type Start } from "./context.ts";
import { CliFailure, exitCodes, type ExitCode } from "./failure.ts";
import { createProgress } from "./progress.ts";
import { formatCount, formatCounted } from "./text-table.ts";

const lookEveryMs = 300;

interface RebuildOptions {
  readonly swap?: boolean;
  readonly discard?: boolean;
  readonly yes?: boolean;
}

interface Difference {
  readonly rows: number;
  readonly samples: readonly Readonly<Record<string, unknown>>[];
}
interface RebuildDetail {
  readonly dataset: string;
  readonly id: string;
  readonly state: "building" | "ready";
  readonly snapshotId: string;
  readonly rows: number;
  readonly task: string;
  readonly comparison: {
    readonly before: { readonly rows: number };
    readonly after: { readonly rows: number };
    readonly added: Difference;
    readonly removed: Difference;
    readonly changed: Difference;
  } | null;
  readonly comparisonError: { readonly code: string; readonly message: string } | null;
}
interface TaskDetail {
  readonly name: string;
  readonly state: string;
  readonly progress: { readonly position: number; readonly end: number } | null;
  readonly lastError: { readonly code: string; readonly message: string } | null;
}

/** `mainstem rebuild NAME` */
export function rebuildCommand(start: Start): Command {
  const command = new Command("rebuild")
    .description("build a dataset's table again from the archive, beside the one that readers see, and compare the two")
    .argument("<name>", "namespace.name")
    .option("--swap", "make the rebuilt table the one that readers see, if no row differs")
    .option("--yes", "with --swap: whatever differs")
    .option("--discard", "end the rebuild and delete its files")
    .addHelpText(
      "after",
      "\nWithout options it starts a rebuild, or takes up the one there is, and shows how it differs. It goes on in the server when this command is ended." +
        "\n\nExamples:\n  mainstem rebuild shop.orders\n  mainstem rebuild shop.orders --swap --yes\n  mainstem rebuild shop.orders --discard",
    );
  return command.action((name: string, options: RebuildOptions) => start(command, (context) => run(context, name, options)));
}

async function run(context: Context, name: string, { swap, discard, yes }: RebuildOptions): Promise<ExitCode> {
  const { client, signal } = context;
  if ((discard === true && swap === true) || (yes === true && swap !== true))
    throw new CliFailure("cli.usage", "--yes goes with --swap, and --discard with neither.", { remedy: "See mainstem rebuild --help.", exitCode: 2 });
  const at = path`/v1/datasets/${name}/rebuild`;
  if (discard === true) {
    const { body } = await client.call({ method: "DELETE", path: at, signal });
    await print(context, body, () => [`The rebuild of ${name} is gone; its table is as it was.`]);
    return exitCodes.ok;
  }
  const known = await client.call({ path: at, accept: [404], signal });
  if (known.status === 404) await client.call({ method: "POST", path: at, signal });
  const rebuild = await waitFor(context, name).catch((error: unknown) => Promise.reject(goesOn(context, name, error)));
  const same = rebuild.comparison !== null && differences(rebuild).every(([, { rows }]) => rows === 0);
  if (swap !== true || !(yes === true || same)) {
    await print(context, swap === true ? { ...rebuild, swapped: false } : rebuild, (one) => describeRebuild(one, { swap: swap === true }));
    return swap === true ? exitCodes.failed : exitCodes.ok;
  }
  if (!context.json) for (const line of compare(rebuild)) await context.terminal.line(line);
  const { body } = await client.call({ method: "POST", path: path`/v1/datasets/${name}/rebuild/swap`, signal });
  await print(context, body as { readonly snapshotId: string; readonly rows: number }, ({ snapshotId, rows }) => [
    `${name} is the rebuilt table now: snapshot ${snapshotId}, ${formatCount(rows)} rows.`,
  ]);
  return exitCodes.ok;
}

/** Shows how far it is until it is ready. Throws when its task stopped for good. */
async function waitFor(context: Context, name: string): Promise<RebuildDetail> {
  const { client, signal, terminal } = context;
  const progress = createProgress(context, { label: `building ${name}` });
  terminal.progress(`building ${name}`);
  for (;;) {
    const rebuild = (await client.call({ path: path`/v1/datasets/${name}/rebuild`, signal })).body as RebuildDetail;
    if (rebuild.state === "ready") return rebuild;
    const { tasks } = (await client.call({ path: "/v1/tasks", signal })).body as { readonly tasks: readonly TaskDetail[] };
    const task = tasks.find((one) => one.name === rebuild.task);
    const failure = task?.lastError ?? undefined;
    const at = task?.progress ?? undefined;
    if (task?.state === "stopped" && failure !== undefined)
      throw new CliFailure(failure.code, failure.message, {
        remedy: `Mend the cause and start the server again, or: mainstem rebuild ${name} --discard`,
      });
    if (at !== undefined) progress.update({ done: at.position, total: at.end, note: "offsets" });
    await sleep(lookEveryMs, undefined, { signal });
  }
}

/** Who leaves the waiting is told where the work is. */
function goesOn({ terminal, json }: Context, name: string, error: unknown): unknown {
  if (isAbort(error) && !json) terminal.say(`The rebuild of ${name} goes on in the server: \`mainstem rebuild ${name}\` shows it again.`);
  return error;
}

function differences({ comparison }: RebuildDetail): readonly (readonly [string, Difference])[] {
  return comparison === null ? [] : (["added", "removed", "changed"] as const).map((kind) => [kind, comparison[kind]]);
}

function compare(rebuild: RebuildDetail): readonly string[] {
  const { comparison, comparisonError } = rebuild;
  if (comparison === null) return [`It could not be compared with the table: ${comparisonError?.message ?? "not yet"}`];
  return [
    `${formatCount(comparison.before.rows)} rows now, ${formatCount(comparison.after.rows)} rebuilt`,
    ...differences(rebuild).map(([kind, { rows, samples }]) => {
      const keys = samples.map((key) => Object.values(key).map(String).join("/")).join(", ");
      return `  ${kind.padEnd(8)} ${formatCount(rows)}${keys === "" ? "" : `  such as ${keys}`}`;
    }),
  ];
}

/** `swap`: it was asked to swap, and does not. */
export function describeRebuild(rebuild: RebuildDetail, { swap }: { readonly swap: boolean }): readonly string[] {
  const { dataset, id, snapshotId } = rebuild;
  return [
    `Rebuild ${id} of ${dataset} is ready.`,
    ...compare(rebuild),
    ...(swap ? [`Not swapped: ${whatDiffers(rebuild)}, and --swap alone is for a table that is the same.`] : []),
    `Look into it: mainstem query 'select …' --at ${dataset}=${snapshotId}`,
    `Then: mainstem rebuild ${dataset} --swap --yes, or --discard`,
  ];
}

function whatDiffers(rebuild: RebuildDetail): string {
  if (rebuild.comparison === null) return "nobody knows what differs";
  const rows = differences(rebuild).reduce((sum, [, difference]) => sum + difference.rows, 0);
  return `${formatCounted(rows, "row")} ${rows === 1 ? "differs" : "differ"}`;
}

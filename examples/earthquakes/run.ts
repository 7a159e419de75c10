import { formatContract } from "@mainstem/contract";
import type { Api, DatasetState, QueryResult, Receipt } from "./api.ts";
import { countArchive, countInInbox } from "./data-directory.ts";
import { earthquakes, movies, type Earthquake } from "./datasets.ts";
import { expectedDays, expectedRows } from "./expected.ts";
import type { Progress } from "./progress.ts";
import { createRandom } from "./random.ts";
import { describeCauses, type Check, type DatasetReport, type Report } from "./report.ts";
import { makeShipment, type Shipment } from "./revisions.ts";
import { readEarthquakes, readMovies, renameFields } from "./source-data.ts";

const seed = 2018;
const batchRecords = 1_000;

const daysSql = `SELECT CAST("time" AS DATE) AS day, count(*) AS quakes, max(mag) AS strongest FROM usgs.earthquakes GROUP BY day ORDER BY day`;
const rowsSql = `SELECT id, updated, "time", mag, status FROM usgs.earthquakes ORDER BY id`;
const directorsSql = `SELECT director, count(*) AS films, sum(worldwide_gross) AS gross FROM film.movies WHERE director IS NOT NULL GROUP BY director ORDER BY gross DESC LIMIT 5`;

export interface RunOptions {
  readonly api: Api;
  readonly dataDir: string;
  readonly progress: Progress;
}

/** Sends everything, looks at everything, and says what was found beside what the example's own model expects. */
export async function runExample(options: RunOptions): Promise<Report> {
  const { api, progress } = options;
  const shipment = makeShipment(await readEarthquakes(), { random: createRandom(seed), batchRecords });
  const films = (await readMovies()).map(renameFields);

  progress.step("declare      usgs.earthquakes, film.movies");
  for (const contract of [earthquakes, movies]) await api.apply(formatContract(contract));

  const first = await sendQuakes(options, { title: "earthquakes, first half", batches: shipment.before });
  const snapshot = (await waitForTable(options, earthquakes.name)).table?.snapshot?.id ?? "none";
  const second = await sendQuakes(options, { title: "earthquakes, second half", batches: shipment.after });
  await waitForTable(options, earthquakes.name);

  const refusing = await sendFilms(options, { title: "films, as they are", films });
  const keeping = await sendFilms(options, { title: "films, invalid ones to the inbox", films, invalid: "inbox" });
  await waitForTable(options, movies.name);

  progress.step("compare      door, log, archive, table, queries");
  const report = {
    datasets: [await reportQuakes(options, { shipment, receipts: [...first, ...second] }), await reportFilms(options, { films, refusing, keeping })],
    queries: await reportQueries(options, { shipment, snapshot }),
  };
  progress.end();
  return report;
}

async function sendQuakes(
  { api, progress }: RunOptions,
  { title, batches }: { readonly title: string; readonly batches: readonly (readonly Earthquake[])[] },
): Promise<readonly Receipt[]> {
  progress.step(`send         ${title}`);
  const receipts: Receipt[] = [];
  for (const batch of batches) {
    receipts.push(await api.send(earthquakes.name, batch));
    progress.update(`${sum(receipts, ({ accepted }) => accepted).toLocaleString("en-US")} accepted, ${receipts.length} of ${batches.length} batches`);
  }
  return receipts;
}

/** The answer to all batches as if they had been one. */
async function sendFilms(
  { api, progress }: RunOptions,
  { title, films, invalid }: { readonly title: string; readonly films: readonly unknown[]; readonly invalid?: "inbox" },
): Promise<Receipt> {
  progress.step(`send         ${title}`);
  const whole: Receipt = { accepted: 0, quarantined: 0, refused: [] };
  let answer = whole;
  for (let start = 0; start < films.length; start += batchRecords) {
    const { accepted, quarantined, refused } = await api.send(movies.name, films.slice(start, start + batchRecords), invalid === undefined ? {} : { invalid });
    answer = {
      accepted: answer.accepted + accepted,
      quarantined: answer.quarantined + quarantined,
      refused: [...answer.refused, ...refused.map((one) => ({ ...one, index: one.index + start }))],
    };
    progress.update(`${answer.accepted.toLocaleString("en-US")} accepted, ${answer.refused.length} refused, ${answer.quarantined} to the inbox`);
  }
  return answer;
}

async function waitForTable({ api, progress }: RunOptions, dataset: string): Promise<DatasetState> {
  progress.step(`build        ${dataset}`);
  return api.waitForTable(dataset, {
    onState: ({ archive, table }) => {
      const archived = sum(archive.partitions, ({ next }) => next);
      progress.update(`${archived.toLocaleString("en-US")} in the archive, ${(table?.snapshot?.rows ?? 0).toLocaleString("en-US")} rows in the table`);
    },
  });
}

async function reportQuakes(
  { api, dataDir }: RunOptions,
  { shipment, receipts }: { readonly shipment: Shipment; readonly receipts: readonly Receipt[] },
): Promise<DatasetReport> {
  const sent = [...shipment.before, ...shipment.after].flat();
  const rows = expectedRows(sent);
  const { counts } = shipment;
  return {
    name: `${earthquakes.name}: ${counts.distinct.toLocaleString("en-US")} revisions of ${counts.events.toLocaleString("en-US")} events, ${counts.repeated.toLocaleString("en-US")} sent twice, ${counts.late.toLocaleString("en-US")} old ones last, ${counts.moved.toLocaleString("en-US")} on another day`,
    causes: [],
    checks: [
      { what: "received at the door", found: sum(receipts, ({ accepted, refused }) => accepted + refused.length), expected: sent.length },
      { what: "refused", found: sum(receipts, ({ refused }) => refused.length), expected: 0 },
      { what: "in the log", found: await api.countLog(earthquakes.name), expected: sent.length },
      { what: "in the archive", found: await countArchive(dataDir, earthquakes.name), expected: sent.length },
      { what: "rows in the table", found: await countRows(api, earthquakes.name), expected: rows.size },
      { what: "rows equal to the model's, one by one", found: countEqual(await api.query(rowsSql), rows), expected: rows.size },
    ],
  };
}

async function reportFilms(
  { api, dataDir }: RunOptions,
  { films, refusing, keeping }: { readonly films: readonly Record<string, unknown>[]; readonly refusing: Receipt; readonly keeping: Receipt },
): Promise<DatasetReport> {
  const bad = films.filter(({ title }) => typeof title !== "string");
  const good = films.length - bad.length;
  const originals = bad.map((film) => JSON.stringify(film));
  return {
    name: `${movies.name}: ${films.length.toLocaleString("en-US")} films sent twice, once refusing and once with ?invalid=inbox`,
    causes: describeCauses(refusing.refused),
    checks: [
      { what: "received at the door", found: taken(refusing) + taken(keeping), expected: 2 * films.length },
      { what: "kept in the inbox", found: keeping.quarantined, expected: bad.length },
      { what: "with their original bytes", found: await countInInbox(dataDir, { dataset: movies.name, originals }), expected: bad.length },
      { what: "in the log", found: await api.countLog(movies.name), expected: 2 * good },
      { what: "in the archive", found: await countArchive(dataDir, movies.name), expected: 2 * good },
      { what: "rows in the table", found: await countRows(api, movies.name), expected: good },
      { what: "refused", found: refusing.refused.length, expected: bad.length },
    ],
  };
}

async function reportQueries(
  { api }: RunOptions,
  { shipment, snapshot }: { readonly shipment: Shipment; readonly snapshot: string },
): Promise<Report["queries"]> {
  const now = await api.query(daysSql);
  const then = await api.query(daysSql, { [earthquakes.name]: snapshot });
  const all = [...shipment.before, ...shipment.after].flat();
  const directors = await api.query(directorsSql);
  return [
    { title: "Quakes by day", sql: daysSql, lines: toLines(now), check: checkDays(now, all) },
    { title: `The same at the snapshot after the first half, ${snapshot}`, sql: daysSql, lines: toLines(then), check: checkDays(then, shipment.before.flat()) },
    {
      title: "Directors by what their films made",
      sql: directorsSql,
      lines: toLines(directors),
      check: { what: "directors", found: directors.rows.length, expected: 5 },
    },
  ];
}

function checkDays({ rows }: QueryResult, sent: readonly Earthquake[]): Check {
  const expected = expectedDays(expectedRows(sent).values()).map(({ day, quakes, strongest }) => [day, quakes, strongest]);
  return { what: "days as the model counts them", found: JSON.stringify(rows) === JSON.stringify(expected) ? "all" : JSON.stringify(rows), expected: "all" };
}

async function countRows(api: Api, dataset: string): Promise<number> {
  const { rows } = await api.query(`SELECT count(*) FROM ${dataset}`);
  return Number(rows[0]?.[0]);
}

function countEqual({ rows }: QueryResult, expected: ReadonlyMap<string, Earthquake>): number {
  return rows.filter(([id, updated, time, mag, status]) => {
    const model = expected.get(String(id));
    return model !== undefined && sameTime(updated, model.updated) && sameTime(time, model.time) && mag === model.mag && status === model.status;
  }).length;
}

/** Both are RFC 3339; ours has the microseconds of the schema. */
function sameTime(found: unknown, expected: string): boolean {
  return typeof found === "string" && Date.parse(found) === Date.parse(expected);
}

function taken({ accepted, quarantined, refused }: Receipt): number {
  return accepted + quarantined + refused.length;
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

function toLines({ columns, rows }: QueryResult): readonly string[] {
  const cells = [columns.map(({ name }) => name), ...rows.map((row) => row.map((value) => (typeof value === "string" ? value : JSON.stringify(value))))];
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => row[index]?.length ?? 0)));
  return cells.map((row) => row.map((cell, index) => (index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0))).join("  "));
}

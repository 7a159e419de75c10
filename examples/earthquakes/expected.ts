import type { Earthquake } from "./datasets.ts";

/** The whole truth about the table, as simply as it can be said: by id, the record with the greatest `updated`. */
export function expectedRows(records: Iterable<Earthquake>): ReadonlyMap<string, Earthquake> {
  const rows = new Map<string, Earthquake>();
  for (const record of records) {
    const known = rows.get(record.id);
    if (known === undefined || Date.parse(record.updated) > Date.parse(known.updated)) rows.set(record.id, record);
  }
  return rows;
}

export interface DayRow {
  readonly day: string;
  readonly quakes: number;
  readonly strongest: number;
}

/** What the example's query must give: quakes and the strongest of them by day. */
export function expectedDays(rows: Iterable<Earthquake>): readonly DayRow[] {
  const days = new Map<string, { quakes: number; strongest: number }>();
  for (const { time, mag } of rows) {
    const day = time.slice(0, 10);
    const known = days.get(day);
    if (known === undefined) days.set(day, { quakes: 1, strongest: mag });
    else days.set(day, { quakes: known.quakes + 1, strongest: Math.max(known.strongest, mag) });
  }
  return [...days].map(([day, counts]) => ({ day, ...counts })).sort((a, b) => (a.day < b.day ? -1 : 1));
}

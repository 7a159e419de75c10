import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import type { Earthquake } from "./datasets.ts";
import { expectedDays, expectedRows } from "./expected.ts";
import { createRandom } from "./random.ts";
import { makeShipment, type Shipment } from "./revisions.ts";
import { readEarthquakes, readMovies, renameFields } from "./source-data.ts";

describe("the example's data", () => {
  let events: readonly Earthquake[];
  let shipment: Shipment;
  before(async () => {
    events = await readEarthquakes();
    shipment = makeShipment(events, { random: createRandom(2018), batchRecords: 1_000 });
  });
  const all = (): Earthquake[] => [...shipment.before, ...shipment.after].flat();

  test("has one flat record for each published event", () => {
    assert.equal(events.length, 1_707);
    assert.equal(new Set(events.map(({ id }) => id)).size, 1_707);
    const [first] = events;
    assert.deepEqual(
      [first?.id, first?.time, first?.updated, first?.status, first?.longitude, first?.depth],
      ["ci37868143", "2018-02-07T01:26:13.840Z", "2018-02-07T01:29:56.303Z", "automatic", -118.6671667, 26.49],
    );
  });

  test("is the same for the same seed and another for another", () => {
    assert.deepEqual(makeShipment(events, { random: createRandom(2018), batchRecords: 1_000 }), shipment);
    assert.notDeepEqual(makeShipment(events, { random: createRandom(2019), batchRecords: 1_000 }).before, shipment.before);
  });

  test("repeats a good share, moves some events to another day and sends old revisions last", () => {
    const { counts } = shipment;
    assert.equal(all().length, counts.distinct + counts.repeated);
    assert.equal(new Set(all().map((record) => JSON.stringify(record))).size, counts.distinct);
    assert.ok(counts.repeated > counts.distinct / 4, `${counts.repeated} of ${counts.distinct} are sent twice`);
    assert.ok(counts.moved > 300, `${counts.moved} revisions are on another day`);
    const rows = expectedRows(all());
    const last = shipment.after.at(-1) ?? [];
    assert.ok(last.length > 0 && last.every((record) => rows.get(record.id)?.updated !== record.updated), "the last batch changes no row");
  });

  test("ends in other rows than were published, one for each event, whatever the order", () => {
    const rows = expectedRows(all());
    assert.equal(rows.size, 1_707);
    assert.ok(events.filter((event) => rows.get(event.id)?.updated !== event.updated).length > 500);
    assert.deepEqual(expectedRows(all().toReversed()), rows);
  });

  test("has no two different revisions with one time of update", () => {
    const byRevision = new Map<string, string>();
    for (const record of all()) {
      const text = JSON.stringify(record);
      assert.equal(byRevision.get(`${record.id} ${record.updated}`) ?? text, text);
      byRevision.set(`${record.id} ${record.updated}`, text);
    }
  });

  test("counts the days of the expected rows", () => {
    const days = expectedDays(expectedRows(all()).values());
    assert.equal(
      days.reduce((sum, { quakes }) => sum + quakes, 0),
      1_707,
    );
    assert.deepEqual(
      days.map(({ day }) => day),
      days.map(({ day }) => day).toSorted(),
    );
  });

  test("gives the films Avro names and leaves their values alone", async () => {
    const films = (await readMovies()).map(renameFields);
    assert.equal(films.length, 3_201);
    assert.deepEqual(Object.keys(films[0] ?? {}).slice(0, 4), ["title", "us_gross", "worldwide_gross", "us_dvd_sales"]);
    assert.equal(films.filter(({ title }) => typeof title !== "string").length, 10);
    assert.equal(new Set(films.map(({ title, release_date }) => JSON.stringify([title, release_date]))).size, 3_201);
  });
});

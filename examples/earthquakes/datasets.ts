import { dataset, day, latest, timestamp } from "@mainstem/contract";
import { z } from "zod";

const earthquake = z.object({
  id: z.string(),
  mag: z.number(),
  place: z.string(),
  time: timestamp(),
  updated: timestamp(),
  tz: z.int32().meta({ description: "Offset of the place's time from UTC, in minutes." }),
  url: z.string(),
  detail: z.string(),
  felt: z.int32().nullable(),
  cdi: z.number().nullable(),
  mmi: z.number().nullable(),
  alert: z.string().nullable(),
  status: z.enum(["automatic", "reviewed"]),
  tsunami: z.int32(),
  sig: z.int32(),
  net: z.string(),
  code: z.string(),
  ids: z.string(),
  sources: z.string(),
  types: z.string(),
  nst: z.int32().nullable(),
  dmin: z.number().nullable(),
  rms: z.number().nullable(),
  gap: z.number().nullable(),
  magType: z.string(),
  type: z.string(),
  title: z.string(),
  longitude: z.number(),
  latitude: z.number(),
  depth: z.number().meta({ description: "Kilometres." }),
});

/** A record as it is sent: times are RFC 3339 text. */
export type Earthquake = z.input<typeof earthquake>;

/** The USGS revises an event many times, even its day: the latest revision is the row, whatever order they arrive in. */
export const earthquakes = dataset({
  name: "usgs.earthquakes",
  description: "Every earthquake that the USGS located; one row an event, in its latest revision.",
  owner: "seismology",
  schema: earthquake,
  key: ["id"],
  order: ["updated"],
  merge: latest(),
  partition: [day("time")],
});

/** Films with their takings. A title is text, which not every record of the source knows. */
export const movies = dataset({
  name: "film.movies",
  description: "Films, what they cost and what they made.",
  owner: "box-office",
  schema: z.object({
    title: z.string(),
    us_gross: z.int().nullable(),
    worldwide_gross: z.int().nullable(),
    us_dvd_sales: z.int().nullable(),
    production_budget: z.int().nullable(),
    release_date: z.string(),
    mpaa_rating: z.string().nullable(),
    running_time_min: z.int32().nullable(),
    distributor: z.string().nullable(),
    source: z.string().nullable(),
    major_genre: z.string().nullable(),
    creative_type: z.string().nullable(),
    director: z.string().nullable(),
    rotten_tomatoes_rating: z.int32().nullable(),
    imdb_rating: z.number().nullable(),
    imdb_votes: z.int32().nullable(),
  }),
  key: ["title", "release_date"],
  // The source has one state of each film: what is sent again is the same, and one row.
  order: ["release_date"],
  merge: latest(),
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { createProgram, everyCommand } from "./program.ts";
import { parseTimeOption, placeOption } from "./place-options.ts";

test("takes a time with its zone, and shows what is missing of any other", () => {
  for (const text of ["2026-11-21T12:00:00Z", "2026-11-21t12:00:00.5+01:00", "2024-02-29T23:59:59Z"]) assert.equal(parseTimeOption(text), text);
  for (const [text, example] of [
    ["2026-11-21", "2026-11-21T00:00:00Z"],
    ["2026-12-24T18:30", "2026-12-24T18:30:00Z"],
    ["2026-12-24 18:30:05", "2026-12-24T18:30:05Z"],
    ["2026-13-41", "2026-11-21T00:00:00Z (there is no day 2026-13-41)"],
    ["2026-02-30T12:00:00Z", "2026-11-21T00:00:00Z (there is no day 2026-02-30)"],
    ["2025-02-29T12:00:00+01:00", "2026-11-21T00:00:00Z (there is no day 2025-02-29)"],
    ["yesterday", "2026-11-21T00:00:00Z"],
    ["", "2026-11-21T00:00:00Z"],
  ] as const)
    assert.throws(() => parseTimeOption(text), { message: `It must be a time with its zone, such as ${example}.` }, text);
});

test("takes the words, offsets and times of a place", () => {
  const parse = placeOption(["start", "end"]);
  for (const text of ["start", "end", "0", "41200", "2026-11-21T12:00:00Z"]) assert.equal(parse(text), text);
  for (const text of ["", "-1", "1.5", "Start", "2026-11-21"])
    assert.throws(() => parse(text), { message: "It must be start, end, an offset, or a time with its zone, such as 2026-11-21T00:00:00Z." }, text);
});

test("no command sends a day to the server where a time is due", async () => {
  for (const line of ["replay a.b --from 2026-11-21", "replay a.b --to 2026-11-21", "tail a.b --from 2026-11-21", "reset t --to 2026-11-21"]) {
    const program = createProgram(async () => assert.fail(line));
    for (const command of everyCommand(program)) command.exitOverride().configureOutput({ writeErr: () => undefined });
    await assert.rejects(program.parseAsync(line.split(" "), { from: "user" }), /such as 2026-11-21T00:00:00Z\.$/, line);
  }
});

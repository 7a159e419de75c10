import assert from "node:assert/strict";
import { test } from "node:test";
import type { Replay } from "../archive/index.ts";
import type { TopicId, TopicName } from "../log/index.ts";
import { MainstemError } from "../runtime/errors.ts";
import type { TaskStatus } from "../tasks/index.ts";
import { openApi } from "./testing/open-api.ts";

const dataset = "shop.orders";
const spec = (id: string): Replay["spec"] => ({
  formatVersion: 1,
  id,
  dataset,
  target: "shadow",
  sources: [],
  topic: "t" as TopicName,
  topicId: "t1" as TopicId,
  start: [],
  createdAt: 0,
});

test("a replay whose task rests says so, and one that ended says how", async () => {
  const replays: readonly Replay[] = [
    { spec: spec("a"), end: undefined },
    { spec: spec("b"), end: undefined },
    { spec: spec("c"), end: undefined },
    { spec: spec("d"), end: { formatVersion: 1, kind: "finished", records: 3, tooLarge: 0, endedAt: 1 } },
    { spec: spec("e"), end: undefined },
  ];
  const unused = async () => Promise.reject(new MainstemError("archive.replayUnknown", "Not asked for."));
  const taskOf = (id: string, state: TaskStatus["state"]): TaskStatus => ({ name: `replay.${dataset}.${id}`, state, verdict: "ok", restarts: 0, failures: 0 });
  const tasks = [taskOf("a", "running"), taskOf("b", "stopped"), taskOf("c", "paused"), taskOf("d", "stopped"), taskOf("e", "backing-off")];
  await using api = await openApi({ view: { replays: { start: unused, list: async () => replays, get: unused, remove: unused }, tasks: () => tasks } });
  const { body } = await api.call(`/v1/datasets/${dataset}/replays`);
  assert.deepEqual(
    (body["replays"] as readonly { readonly id: string; readonly state: string }[]).map(({ id, state }) => [id, state]),
    [
      ["a", "running"],
      ["b", "stopped"],
      ["c", "paused"],
      ["d", "finished"],
      ["e", "running"],
    ],
  );
});

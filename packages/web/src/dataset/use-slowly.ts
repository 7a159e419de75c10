import { useState } from "react";

/** What is costly to look at is looked at at most so often, however quickly it changes. */
const everyMs = 10_000;

/** The value, but for changes that follow another one too soon: those are taken over later. Undefined is given up at once. */
export function useSlowly<Value>(value: Value): Value {
  const [held, hold] = useState({ value, at: Date.now() });
  if (held.value !== value && (held.value === undefined || Date.now() - held.at >= everyMs)) hold({ value, at: Date.now() });
  return held.value;
}

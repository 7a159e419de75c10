import { IconAlertTriangle, IconCircleCheck, IconCircleDashed, IconClock, IconPlayerPause, IconX, type Icon } from "@tabler/icons-react";
import type { Verdict } from "../api/answers.ts";

const marks: Readonly<Record<Verdict | "degraded", { readonly icon: Icon; readonly tone: string }>> = {
  ok: { icon: IconCircleCheck, tone: "good" },
  idle: { icon: IconCircleDashed, tone: "dim" },
  paused: { icon: IconPlayerPause, tone: "late" },
  slow: { icon: IconClock, tone: "late" },
  degraded: { icon: IconAlertTriangle, tone: "late" },
  stuck: { icon: IconAlertTriangle, tone: "bad" },
  failed: { icon: IconX, tone: "bad" },
};

/** A verdict as a word with a sign: the colour only repeats what the word says. */
export function VerdictMark({ verdict }: { readonly verdict: Verdict | "degraded" }) {
  const { icon: Sign, tone } = marks[verdict];
  return (
    <span className={`verdict ${tone}`}>
      <Sign size={17} stroke={2} aria-hidden />
      {verdict}
    </span>
  );
}

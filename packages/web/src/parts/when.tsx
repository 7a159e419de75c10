import { formatTime } from "../numbers.ts";

/** A time in UTC; a dash where there is none. */
export function When({ time }: { readonly time: string | null | undefined }) {
  if (time === null || time === undefined) return <>–</>;
  return (
    <time dateTime={time} title={`${time} (UTC)`} className="numbers">
      {formatTime(time)}
    </time>
  );
}

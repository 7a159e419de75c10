import { InvalidArgumentError } from "commander";

/** A time with its zone as an option gives it. A day is none: where it begins depends on the zone, and that is never guessed. */
export function parseTimeOption(text: string): string {
  if (!isTime(text)) throw new InvalidArgumentError(`It must be ${aTimeLike(text)}.`);
  return text;
}

/** Makes what reads an option that is one of these words, an offset or a time. */
export function placeOption(words: readonly string[]): (text: string) => string {
  return (text) => {
    if (!words.includes(text) && !/^\d{1,15}$/.test(text) && !isTime(text))
      throw new InvalidArgumentError(`It must be ${words.join(", ")}, an offset, or ${aTimeLike(text)}.`);
    return text;
  };
}

export function isTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i.test(text) && isDay(text.slice(0, 10)) && !Number.isNaN(Date.parse(text));
}

/** Date takes a 30th of February for the 2nd of March. */
function isDay(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

const someDay = "2026-11-21";

/** What a time looks like: as the one that was given, where only a part of it is missing. */
export function aTimeLike(text: string): string {
  const [, day = someDay, minutes = "00:00", seconds = ":00"] = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(:\d\d(?:\.\d+)?)?)?/i.exec(text) ?? [];
  const example = `${day}T${minutes}${seconds}Z`;
  return `a time with its zone, such as ${isTime(example) ? example : `${someDay}T00:00:00Z`}${isDay(day) ? "" : ` (there is no day ${day})`}`;
}

/**
 * Dates and times as text and as counts since 1970, in the proleptic Gregorian calendar, without the rounding and the time zones of `Date`.
 * Years run from 1 to 9999: what RFC 3339, Iceberg's readers and SQL engines all hold.
 *
 * Counts are numbers where they are safe integers, else bigints (microseconds are beyond 2^53 from the year 2255 on).
 */

const zero = 48;
const daysMin = daysFromCivil(1, 1, 1);
const daysMax = daysFromCivil(9999, 12, 31);
const secondsPerDay = 86_400;
const nanosDigits = 9;
const fractionScale = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000] as const;

/** Days since 1970-01-01. Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil. */
export function daysFromCivil(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** The date of a count of days since 1970-01-01. Source: as above, civil_from_days. */
export function civilFromDays(days: number): { readonly year: number; readonly month: number; readonly day: number } {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor((dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthShifted = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthShifted + 2) / 5) + 1;
  const month = monthShifted < 10 ? monthShifted + 3 : monthShifted - 9;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

/** Whether a count of days is a date of the years 1 to 9999. */
export function isDayInRange(days: number): boolean {
  return days >= daysMin && days <= daysMax;
}

/** Whether a count of seconds / 10^digits since 1970 lies in the years 1 to 9999, and is one of 64 bits (nanoseconds end in 1677 and 2262). */
export function isTimestampInRange(value: number | bigint, digits: number): boolean {
  if (digits === nanosDigits) return typeof value === "number" || BigInt.asIntN(64, value) === value;
  // Both ends are whole multiples of a day, so they are exact as numbers; comparing a bigint with a number is exact too.
  const perDay = secondsPerDay * (fractionScale[digits] as number);
  return value >= daysMin * perDay && value < (daysMax + 1) * perDay;
}

/** `2026-11-21` as days since 1970-01-01; undefined for anything else. */
export function parseDate(text: string): number | undefined {
  return text.length === 10 ? dateAt(text) : undefined;
}

/**
 * `2026-11-21T09:56:18.123456+01:00` (RFC 3339) as a count of 10^-digits seconds since 1970 UTC; with `zone: "none"` the same without a zone.
 * Undefined for anything else: a missing or an unwanted zone, a leap second, more digits than can be kept, years beyond 1 to 9999.
 */
export function parseTimestamp(text: string, options: { readonly digits: number; readonly zone: "required" | "none" }): number | bigint | undefined {
  const days = dateAt(text);
  if (days === undefined || text.length < 19 || (text[10] !== "T" && text[10] !== "t")) return undefined;
  const time = timeAt(text, 11);
  if (time < 0) return undefined;
  const fractionEnd = endOfFraction(text, 19);
  const fraction = fractionEnd === 19 ? 0 : fractionOf(text, 20, fractionEnd, options.digits);
  if (fraction < 0) return undefined;
  const offset = options.zone === "none" ? (fractionEnd === text.length ? 0 : undefined) : offsetAt(text, fractionEnd);
  if (offset === undefined) return undefined;
  const seconds = days * secondsPerDay + time - offset;
  const value = countOf(seconds, fraction, options.digits);
  return isTimestampInRange(value, options.digits) ? value : undefined;
}

/** `09:56`, `09:56:18` or `09:56:18.123456` as a count of 10^-digits seconds since midnight; undefined for anything else. */
export function parseTimeOfDay(text: string, digits: number): number | undefined {
  if (text.length === 5) return parseTimeOfDay(`${text}:00`, digits);
  const time = text.length >= 8 ? timeAt(text, 0) : -1;
  if (time < 0 || endOfFraction(text, 8) !== text.length) return undefined;
  const fraction = text.length === 8 ? 0 : fractionOf(text, 9, text.length, digits);
  return fraction < 0 ? undefined : time * (fractionScale[digits] as number) + fraction;
}

const timeForm = /^(\d{4}-\d\d-\d\d)?[Tt]?(\d\d:\d\d(?::\d\d)?)?(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)?$/;

/** Why a text that has the form of a date, a time of day or both is none of them, in a few words for a message; undefined if that is not the reason. */
export function noSuchTime(text: string): string | undefined {
  const [, date, clock] = timeForm.exec(text) ?? [];
  if (date !== undefined && dateAt(date) === undefined) return "no such day";
  if (clock === undefined || timeAt(clock.padEnd(8, ":00"), 0) >= 0) return undefined;
  return timeAt(clock.replace(/:60$/, ":59"), 0) >= 0 ? "a leap second" : "no such time";
}

/** `2026-11-21`. */
export function formatDate(days: number): string {
  const { year, month, day } = civilFromDays(days);
  return `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}`;
}

/** `2026-11-21T09:56:18.123456` and the suffix: `Z` for instants, nothing for local times. */
export function formatTimestamp(value: number | bigint, options: { readonly digits: number; readonly suffix: "Z" | "" }): string {
  const scale = fractionScale[options.digits] as number;
  const fraction = typeof value === "bigint" ? Number(modulo(value, BigInt(scale))) : value - Math.floor(value / scale) * scale;
  const seconds = typeof value === "bigint" ? Number((value - BigInt(fraction)) / BigInt(scale)) : Math.floor(value / scale);
  const days = Math.floor(seconds / secondsPerDay);
  return `${formatDate(days)}T${formatClock(seconds - days * secondsPerDay, fraction, options.digits)}${options.suffix}`;
}

/** `09:56:18.123456`. */
export function formatTimeOfDay(value: number, digits: number): string {
  const scale = fractionScale[digits] as number;
  const seconds = Math.floor(value / scale);
  return formatClock(seconds, value - seconds * scale, digits);
}

function formatClock(seconds: number, fraction: number, digits: number): string {
  const clock = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return digits === 0 ? clock : `${clock}.${String(fraction).padStart(digits, "0")}`;
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

function modulo(value: bigint, by: bigint): bigint {
  const rest = value % by;
  return rest < 0n ? rest + by : rest;
}

function countOf(seconds: number, fraction: number, digits: number): number | bigint {
  const scale = fractionScale[digits] as number;
  const value = seconds * scale + fraction;
  return Number.isSafeInteger(value) ? value : BigInt(seconds) * BigInt(scale) + BigInt(fraction);
}

/** The two digits at an index as a number, or -1. */
function pairAt(text: string, index: number): number {
  const tens = text.charCodeAt(index) - zero;
  const ones = text.charCodeAt(index + 1) - zero;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}

function dateAt(text: string): number | undefined {
  const century = pairAt(text, 0);
  const yearOfCentury = pairAt(text, 2);
  const month = pairAt(text, 5);
  const day = pairAt(text, 8);
  if (century < 0 || yearOfCentury < 0 || text[4] !== "-" || text[7] !== "-" || month < 1 || month > 12 || day < 1) return undefined;
  const year = century * 100 + yearOfCentury;
  return year > 0 && day <= daysOfMonth(year, month) ? daysFromCivil(year, month, day) : undefined;
}

function daysOfMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** `09:56:18` at an index as seconds since midnight, or -1. */
function timeAt(text: string, index: number): number {
  const hour = pairAt(text, index);
  const minute = pairAt(text, index + 3);
  const second = pairAt(text, index + 6);
  const good = hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60 && text[index + 2] === ":" && text[index + 5] === ":";
  return good ? hour * 3600 + minute * 60 + second : -1;
}

/** One past the last digit of a fraction that starts with a dot at `index`; `index` itself where there is none. */
function endOfFraction(text: string, index: number): number {
  if (text[index] !== ".") return index;
  let end = index + 1;
  while (isDigit(text.charCodeAt(end))) end++;
  return end === index + 1 ? index : end;
}

/** The digits from `start` to `end` as a count of 10^-digits; -1 when digits other than 0 would be lost. */
function fractionOf(text: string, start: number, end: number, digits: number): number {
  let value = 0;
  for (let index = 0; index < digits; index++) value = value * 10 + (start + index < end ? text.charCodeAt(start + index) - zero : 0);
  for (let index = start + digits; index < end; index++) {
    if (text.charCodeAt(index) !== zero) return -1;
  }
  return value;
}

function isDigit(code: number): boolean {
  return code >= zero && code <= zero + 9;
}

/** The zone at an index, which must end the text, in seconds east of UTC. */
function offsetAt(text: string, index: number): number | undefined {
  const sign = text[index];
  if (sign === "Z" || sign === "z") return text.length === index + 1 ? 0 : undefined;
  if ((sign !== "+" && sign !== "-") || text.length !== index + 6 || text[index + 3] !== ":") return undefined;
  const hours = pairAt(text, index + 1);
  const minutes = pairAt(text, index + 4);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return undefined;
  return (sign === "-" ? -1 : 1) * (hours * 3600 + minutes * 60);
}

/** Dates in header fields. */

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const TIME = String.raw`(?<h>\d\d):(?<m>\d\d):(?<s>\d\d)`;
const DAY = '(?:mon|tue|wed|thu|fri|sat|sun)';
const LONG_DAY = '(?:mon|tues|wednes|thurs|fri|satur|sun)day';

/** The three forms, whatever their case. The day of the week is not checked against the date. */
const FORMS = [
  new RegExp(String.raw`^${DAY}, (?<day>\d\d) (?<month>[a-z]{3}) (?<year>\d{4}) ${TIME} (?<zone>[a-z]{3})$`, 'i'),
  new RegExp(String.raw`^${LONG_DAY}, (?<day>\d\d)-(?<month>[a-z]{3})-(?<year>\d\d) ${TIME} (?<zone>[a-z]{3})$`, 'i'),
  new RegExp(String.raw`^${DAY} (?<month>[a-z]{3}) (?<day>[ \d]\d) ${TIME} (?<year>\d{4})$`, 'i'),
];

/** A year of two digits is never more than 50 years ahead, RFC 9110 section 5.6.7. */
function fullYear(twoDigits: number, now: number): number {
  const thisYear = new Date(now).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + twoDigits;
  return year > thisYear + 50 ? year - 100 : year;
}

function parsed(text: string, now: number, zones: readonly string[]): number | undefined {
  // The longest form has 33 characters.
  if (text.length > 40) return undefined;
  for (const form of FORMS) {
    const groups = form.exec(text)?.groups;
    if (groups === undefined) continue;
    if (groups.zone !== undefined && !zones.includes(groups.zone.toLowerCase())) return undefined;
    const month = MONTHS.indexOf(groups.month!.toLowerCase());
    const [day, hour, minute, second] = [groups.day, groups.h, groups.m, groups.s].map(Number) as [
      number,
      number,
      number,
      number,
    ];
    const year = groups.year!.length === 2 ? fullYear(Number(groups.year), now) : Number(groups.year);
    if (month < 0 || hour > 23 || minute > 59 || second > 60) return undefined;
    const date = new Date(0);
    // Not Date.UTC, which makes 1950 of the year 50.
    date.setUTCFullYear(year, month, day);
    if (date.getUTCDate() !== day || date.getUTCMonth() !== month) return undefined;
    return date.setUTCHours(hour, minute, Math.min(second, 59));
  }
  return undefined;
}

const GMT = ['gmt'];
const GMT_OR_UTC = ['gmt', 'utc'];

/**
 * The milliseconds since the epoch of an HTTP-date, in all three forms of RFC 9110 section 5.6.7; undefined for
 * everything else. `now` (ms) decides the century of a year of two digits.
 */
export function httpDate(text: string | undefined, now: number): number | undefined {
  return text === undefined ? undefined : parsed(text, now, GMT);
}

/**
 * The same for Last-Modified, which may also end in UTC instead of GMT, as ZITADEL's assets have it. It is only compared
 * and never makes an answer fresh by itself; an Expires like that is invalid.
 */
export function modifiedDate(text: string | undefined, now: number): number | undefined {
  return text === undefined ? undefined : parsed(text, now, GMT_OR_UTC);
}

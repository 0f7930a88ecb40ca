/** Scales of axes: where a value stands, and which values are named. */

/** One direction of a chart. */
export interface Scale {
  /** In units of the chart. Values outside the scale stand at its end. */
  at(value: number): number;
  /** Values that are named, ascending, all on the scale. */
  readonly ticks: readonly number[];
  readonly logarithmic: boolean;
}

/** From where to where a scale goes on the chart; backwards for heights. */
export type Span = readonly [from: number, to: number];

/** Above this ratio of the largest to the least, a scale is logarithmic: otherwise the small ones are one line. */
const LOGARITHMIC_FROM = 15;
/** With more, only powers of ten have names. */
const MOST_LOG_TICKS = 8;
/** Less is nought: no clock and no counter tells it from there. */
const LEAST = 1e-9;
/** What is smaller than the largest by more than that stands at the end of the scale. */
const MOST_RATIO = 1e8;

/** From nought, or logarithmic where values differ by more than fifteen times. Nought does not count. */
export function scaleOf(values: readonly number[], span: Span): Scale {
  const known = values.filter((value) => value > LEAST && Number.isFinite(value));
  const [least, most] = [Math.min(...known), Math.max(...known)];
  if (known.length === 0) return linearScale(1, span);
  return most / least > LOGARITHMIC_FROM
    ? logScale(Math.max(least, most / MOST_RATIO), most, span)
    : linearScale(most, span);
}

/** From nought to the next tick above a value. */
export function linearScale(most: number, span: Span, count = 5): Scale {
  const ticks = linearTicks(most, count);
  return { ...mapping(0, ticks.at(-1)!, span, (value) => value), ticks, logarithmic: false };
}

/** From nought to a value, exactly: for time. */
export function exactScale(most: number, span: Span, count = 6): Scale {
  const ticks = linearTicks(most, count).filter((tick) => tick <= most);
  return { ...mapping(0, most, span, (value) => value), ticks, logarithmic: false };
}

/** Logarithmic, from the 1, 2 or 5 below the least to the one above the largest; both must be above 0. */
export function logScale(least: number, most: number, span: Span): Scale {
  const all = logTicks(least, most);
  const [low, high] = [all[0]!, all.at(-1)!];
  const powers = all.filter((tick) => Number.isInteger(Number(Math.log10(tick).toFixed(9))));
  const ticks = all.length > MOST_LOG_TICKS && powers.length > 1 ? powers : all;
  return { ...mapping(low, high, span, Math.log10), ticks, logarithmic: true };
}

/** Nines: 50, 90, 99, 99.9 % at equal distances, up to the percentile that is the last. Values are percentiles. */
export function percentileScale(last: number, span: Span): Scale {
  const ticks = [0, 50, 90, 99, 99.9, 99.99, 99.999].filter((tick) => tick <= last);
  return { ...mapping(0, last, span, ninesOf), ticks, logarithmic: true };
}

/** How many nines a percentile has: 1 for 90, 2 for 99. */
export function ninesOf(percentile: number): number {
  return -Math.log10(1 - Math.min(percentile, 99.999_999) / 100);
}

/** The percentile with so many nines. */
export function percentileOf(nines: number): number {
  return 100 * (1 - 10 ** -nines);
}

/** 0 and steps of 1, 2 or 5 times a power of ten, the last at or above a value. */
export function linearTicks(most: number, count: number): number[] {
  if (!(most > LEAST && Number.isFinite(most))) return [0, 1];
  const rough = most / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999_999)!;
  const steps = Math.ceil(most / step - 1e-9);
  return Array.from({ length: steps + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

/** 1, 2 and 5 times powers of ten, from at or below the least to at or above the largest. At least two. */
export function logTicks(least: number, most: number): number[] {
  const from = Math.floor(Math.log10(least) + 1e-9);
  const to = Math.ceil(Math.log10(most) - 1e-9);
  const all = Array.from({ length: to - from + 1 }, (_, index) =>
    [1, 2, 5].map((factor) => Number((factor * 10 ** (from + index)).toPrecision(6))),
  ).flat();
  const first = all.findLastIndex((tick) => tick <= least * (1 + 1e-9));
  const last = all.findIndex((tick) => tick >= most * (1 - 1e-9));
  const ticks = all.slice(Math.max(0, first), last + 1);
  return ticks.length > 1 ? ticks : [ticks[0]!, ticks[0]! * 10];
}

function mapping(least: number, most: number, [from, to]: Span, bend: (value: number) => number): Pick<Scale, 'at'> {
  const [low, high] = [bend(least), bend(most)];
  return {
    at(value) {
      const share = high === low ? 0 : (bend(Math.min(most, Math.max(least, value))) - low) / (high - low);
      return from + share * (to - from);
    },
  };
}

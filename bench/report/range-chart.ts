/** From the median to the 99th percentile, a line for each server, by scenario, on one scale, as SVG. */

import { html, type Markup } from './markup.ts';
import { time } from './numerals.ts';
import { scaleOf } from './scale.ts';

const WIDTH = 400;
const RIGHT = 14;
const LEFT = 8;
const HEAD = 4;
const NAME = 15;
const STEP = 11;
const GAP = 8;
const FOOT = 38;

/** A line. Milliseconds. */
export interface Range {
  readonly server: string;
  /** `s0` to `s6`. */
  readonly look: string;
  readonly p50: number;
  readonly p99: number;
}

/** A scenario, with its lines. */
export interface RangeRow {
  readonly name: string;
  readonly text: string;
  readonly ranges: readonly Range[];
}

/** The chart, as high as it has lines. `about`: for who cannot see it. */
export function rangeChart(about: string, rows: readonly RangeRow[], text: (value: number) => string): Markup {
  const scale = scaleOf(
    rows.flatMap(({ ranges }) => ranges.flatMap(({ p50, p99 }) => [p50, p99])),
    [LEFT, WIDTH - RIGHT],
  );
  let top = HEAD;
  const drawn = rows.map(({ name, text: value, ranges }) => {
    const first = top;
    top += NAME + ranges.length * STEP + GAP;
    const lines = ranges.map(({ server, look, p50, p99 }, index) => {
      const y = first + NAME + 5 + index * STEP;
      const [from, to] = [px(scale.at(p50)), px(scale.at(p99))];
      return html`<g class="range ${look}" data-range="${name} ${server}"><path d="M${from} ${y}H${to}"/><circle cx="${from}" cy="${y}" r="4" class="hollow"/><circle cx="${to}" cy="${y}" r="4"/><title>${server}: p50 ${time(p50)}, p99 ${time(p99)}</title></g>`;
    });
    return html`<text x="0" y="${first + 11}" class="plate">${name}</text><text x="${WIDTH}" y="${first + 11}" class="plate end value">${value}</text>${lines}`;
  });
  const ticks = scale.ticks.map((tick) => {
    const at = px(scale.at(tick));
    return html`<path class="grid" d="M${at} ${HEAD}V${top}"/><text x="${at}" y="${top + 13}" class="middle">${text(tick)}</text>`;
  });
  return html`<svg viewBox="0 0 ${WIDTH} ${top + FOOT}" role="img" aria-label="${about}">${ticks}${drawn}
<text x="${WIDTH / 2}" y="${top + FOOT - 4}" class="middle title">latency in ms${scale.logarithmic ? ', logarithmic' : undefined}</text></svg>`;
}

function px(value: number): string {
  return String(Number(value.toFixed(1)));
}

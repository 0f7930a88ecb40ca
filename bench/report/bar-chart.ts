/** Bars beside each other's names, with whiskers from the least to the most, as SVG. */

import { html, type Markup } from './markup.ts';
import { linearScale } from './scale.ts';

const WIDTH = 400;
const ROW = 30;
const HEAD = 6;
const FOOT = 38;
const GAP = 8;
/** Of the name, above its bar: names are long, and phones are narrow. */
const NAME = 16;
const BAR = 10;
const RIGHT = 12;
const LEFT = 4;

/** A bar. */
export interface Bar {
  readonly name: string;
  /** `s0` to `s6`. */
  readonly look: string;
  readonly value: number;
  /** The least and the most of several rounds. */
  readonly spread: readonly [least: number, most: number] | undefined;
  /** What is written at its name. */
  readonly text: string;
}

/** What is drawn. */
export interface BarChart {
  /** For who cannot see it. */
  readonly about: string;
  /** What the bars are, with the unit. */
  readonly title: string;
  readonly text: (value: number) => string;
  readonly bars: readonly Bar[];
}

/** The chart, as high as it has bars. */
export function barChart({ about, title, text, bars }: BarChart): Markup {
  const scale = linearScale(Math.max(0, ...bars.map(({ value, spread }) => spread?.[1] ?? value)), [
    LEFT,
    WIDTH - RIGHT,
  ]);
  const bottom = HEAD + bars.length * (ROW + GAP);
  const ticks = scale.ticks.map((tick, index) => {
    const at = px(scale.at(tick));
    return html`<path class="grid" d="M${at} ${HEAD}V${bottom + 4}"/><text x="${at}" y="${bottom + 17}" class="${index === 0 ? 'start' : 'middle'}">${text(tick)}</text>`;
  });
  const rows = bars.map((bar, index) => {
    const top = HEAD + index * (ROW + GAP);
    const [y, middle] = [top + NAME, top + NAME + BAR / 2];
    const end = scale.at(bar.value);
    return html`<g class="bar ${bar.look}" data-bar="${bar.name}"><text x="${LEFT}" y="${top + 11}" class="plate">${bar.name}</text><text x="${WIDTH - RIGHT}" y="${top + 11}" class="plate end value">${bar.text}</text>
<rect x="${LEFT}" y="${y}" width="${px(Math.max(1, end - LEFT))}" height="${BAR}" rx="2"/>${bar.spread && whisker(bar.spread, middle)}</g>`;
  });
  return html`<svg viewBox="0 0 ${WIDTH} ${bottom + FOOT}" role="img" aria-label="${about}">${ticks}${rows}
<text x="${WIDTH / 2}" y="${bottom + FOOT - 4}" class="middle title">${title}</text></svg>`;

  function whisker([least, most]: readonly [number, number], y: number): Markup {
    const [from, to] = [px(scale.at(least)), px(scale.at(most))];
    return html`<path class="whisker" d="M${from} ${y - 5}v10M${from} ${y}H${to}M${to} ${y - 5}v10"/>`;
  }
}

function px(value: number): string {
  return String(Number(value.toFixed(1)));
}

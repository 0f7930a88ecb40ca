/** Lines over two axes, as SVG. Colours are classes of the page's style, so that light, dark and paper differ there. */

import { html, type Markup } from './markup.ts';
import type { Scale, Span } from './scale.ts';

/** Drawn at about one pixel a unit, on a phone and on a desk. */
const WIDTH = 400;
const HEIGHT = 236;
/** Where scales go to. */
export const ACROSS: Span = [46, WIDTH - 12];
export const UP: Span = [HEIGHT - 40, 26];

/** A point: undefined where the line is broken. `label` is shown when pointed at. */
export interface Point {
  readonly x: number;
  readonly y: number;
  readonly label?: string;
}

/** A line and how it looks: `s0` to `s6` are servers, `quiet` is drawn thin. */
export interface Line {
  readonly name: string;
  readonly look: string;
  readonly points: readonly (Point | undefined)[];
  /** Each point is a dot. */
  readonly dots?: boolean;
}

/** A direction, with what it is and how its values are written. */
export interface Axis {
  /** With the unit. */
  readonly title: string;
  readonly scale: Scale;
  readonly text: (value: number) => string;
}

/** A value of the axis across that is pointed out. */
export interface Mark {
  readonly x: number;
  readonly text: string;
}

/** What is drawn. */
export interface LineChart {
  /** For who cannot see it. */
  readonly about: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly Line[];
  readonly mark?: Mark | undefined;
}

/** The chart with its legend above, which so never covers a line. */
export function lineChart({ about, x, y, lines, mark }: LineChart): Markup {
  const [left, right] = ACROSS;
  const [bottom, top] = UP;
  const grid = y.scale.ticks.map((tick) => {
    const at = px(y.scale.at(tick));
    return html`<path class="grid" d="M${left} ${at}H${right}"/><text x="${left - 6}" y="${at}" dy="4" class="end">${y.text(tick)}</text>`;
  });
  const across = x.scale.ticks.map((tick) => {
    const at = px(x.scale.at(tick));
    return html`<path class="grid" d="M${at} ${bottom}v4"/><text x="${at}" y="${bottom + 17}" class="middle">${x.text(tick)}</text>`;
  });
  return html`${legend(lines)}<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${about}">
<text x="2" y="12" class="title">${y.title}${y.scale.logarithmic ? ', logarithmic' : undefined}</text>
<text x="${(left + right) / 2}" y="${HEIGHT - 5}" class="middle title">${x.title}</text>
${grid}${across}<path class="axis" d="M${left} ${bottom}H${right}"/>${mark && marked(mark, x)}
${lines.map((line) => drawn(line, x.scale, y.scale))}</svg>`;

  function marked({ x: value, text }: Mark, axis: Axis): Markup {
    const at = axis.scale.at(value);
    const beyondHalf = at > (left + right) / 2;
    return html`<path class="mark" d="M${px(at)} ${top}V${bottom}"/><text x="${px(at + (beyondHalf ? -5 : 5))}" y="${top - 3}" class="${beyondHalf ? 'end' : 'start'}">${text}</text>`;
  }
}

function drawn({ name, look, points, dots }: Line, x: Scale, y: Scale): Markup {
  let pen = 'M';
  let path = '';
  for (const point of points) {
    if (point === undefined) pen = 'M';
    else {
      path += `${pen}${px(x.at(point.x))} ${px(y.at(point.y))}`;
      pen = 'L';
    }
  }
  const known = points.filter((point) => point !== undefined);
  const circles = known
    .filter(({ label }) => dots === true || label !== undefined)
    .map(
      (point) =>
        html`<circle cx="${px(x.at(point.x))}" cy="${px(y.at(point.y))}" r="3"><title>${name}: ${point.label}</title></circle>`,
    );
  return html`<g class="line ${look}" data-line="${name}" data-points="${known.length}"><path d="${path}"/>${circles}</g>`;
}

function legend(lines: readonly Line[]): Markup {
  const items = lines.map(
    ({ name, look }) =>
      html`<li><svg class="swatch" viewBox="0 0 26 10" aria-hidden="true"><g class="line ${look}"><path d="M1 5H25"/></g></svg>${name}</li>`,
  );
  return html`<ul class="legend">${items}</ul>`;
}

function px(value: number): string {
  return String(Number(value.toFixed(1)));
}

/** Waterfalls of visits, one below the other on the same scale of time, as an SVG. */

import type { Loaded, Visit } from './visit.ts';

const LEFT = 16;
const WIDTH = 760;
const ROW = 7;
const HEAD = 34;
const GAP = 14;
/** Lighter until the first byte, darker while the body comes; both stand out on white and on black. */
const COLOURS = { waits: '#9db4d8', loads: '#3b6fc4', line: '#8a8a8a', ready: '#d2601a' } as const;

/** A visit and what it is called. */
export interface Panel {
  readonly title: string;
  readonly visit: Visit;
}

/** The chart. */
export function chart(panels: readonly Panel[]): string {
  const longest = Math.max(...panels.map(({ visit }) => visit.readyMs));
  const x = (ms: number): number => LEFT + (Math.min(ms, longest) / longest) * (WIDTH - 2 * LEFT);
  const parts: string[] = [];
  let top = 0;
  for (const { title, visit } of panels) {
    const rows = visit.files.filter(({ from }) => from < visit.readyMs);
    const bottom = top + HEAD + rows.length * ROW;
    parts.push(
      `<text x="${LEFT}" y="${top + 22}">${title}: ${seconds(visit.readyMs)} s, ${size(visit.bytes)}</text>`,
      ...rows.map((file, i) => bar(file, top + HEAD + i * ROW, x)),
      `<path d="M${px(x(visit.readyMs))} ${top + HEAD - 4}V${bottom}" stroke="${COLOURS.ready}" stroke-width="2"/>`,
    );
    top = bottom + GAP;
  }
  const ticks = Array.from({ length: Math.floor(longest / 1000) + 1 }, (_, s) => {
    const at = px(x(s * 1000));
    return `<path d="M${at} ${HEAD - 8}V${top}" stroke="${COLOURS.line}" stroke-opacity=".3"/><text x="${at}" y="${top + 14}" text-anchor="middle" font-size="11">${s} s</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top + 22}" font-family="system-ui, sans-serif" font-size="14" fill="${COLOURS.line}"><title>How the Console loads</title>`,
    ...ticks,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function bar({ from, first, to }: Loaded, y: number, x: (ms: number) => number): string {
  const rect = (a: number, b: number, colour: string): string =>
    `<rect x="${px(x(a))}" y="${y}" width="${px(Math.max(x(b) - x(a), 0.5))}" height="${ROW - 2}" fill="${colour}"/>`;
  return rect(from, first, COLOURS.waits) + rect(first, to, COLOURS.loads);
}

function px(value: number): string {
  return value.toFixed(1);
}

function size(bytes: number): string {
  const kib = bytes / 1024;
  return kib < 100 ? `${kib.toFixed(1)} KiB` : `${(kib / 1024).toFixed(2)} MiB`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}

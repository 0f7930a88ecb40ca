/** Every measurement of a run as one table. */

import { commandBlock } from './figure.ts';
import { html, type Markup } from './markup.ts';
import { loadText, type Measured } from './measured.ts';
import { digits, mebibytes, percent } from './numerals.ts';
import type { ReportSubject } from './subject.ts';

const HEAD = [
  'scenario',
  'server',
  'load',
  'req/s',
  'p50',
  'p90',
  'p99',
  'p99.9',
  'max',
  'errors',
  'CPU s/1k',
  'memory',
  'GC',
];

/** The table, with how to read its columns. */
export function resultsTable({ scenarios, file }: ReportSubject): Markup {
  const several = file.results.some(({ round }) => round > 1);
  const rows = scenarios.map(({ name, all }, index) =>
    all.map((measured, at) =>
      row(
        measured,
        at === 0 ? html`<a href="#scenario-${index}">${name}</a>` : html`<span class="again">${name}</span>`,
      ),
    ),
  );
  const head = HEAD.map((text) => html`<th scope="col">${text}</th>`);
  return html`<section id="results"><h2>All measurements</h2><div class="wide"><table class="results"><thead><tr>${head}</tr></thead><tbody>${rows}</tbody></table></div>
<p class="reading">Latencies in milliseconds, of right answers, from when a request was due. req/s: right answers in a second. errors: every other answer, and what never came. CPU s/1k, memory, GC: what the server spent, where it tells.${several ? ' Of several rounds the one in the middle is shown.' : ''}</p>${commandBlock(file.command)}</section>`;
}

function row({ server, loop, rate, shown, scenario }: Measured, name: Markup): Markup {
  const { latencyMs: ms, serverCost: cost, errors, answers, rps } = shown;
  const share = errors === 0 ? '0' : `${errors.toLocaleString('en-US')} (${percent(errors / (errors + answers))})`;
  const or = (value: number | null | undefined, text: (value: number) => string): string =>
    value == null ? '–' : text(value);
  const numbers = [digits(rps), ...[ms.p50, ms.p90, ms.p99, ms.p999, ms.max].map(digits)];
  const costs = [or(cost?.cpuSPer1000, digits), or(cost?.rssBytes, mebibytes), or(cost?.gcShare, percent)];
  return html`<tr data-row="${scenario} ${server} ${loadText({ loop, rate })}"><th scope="row">${name}</th><td class="text">${server}</td><td class="text">${loadText({ loop, rate })}</td>${numbers.map((text) => html`<td>${text}</td>`)}<td class="${errors > 0 ? 'bad' : ''}">${share}</td>${costs.map((text) => html`<td>${text}</td>`)}</tr>`;
}

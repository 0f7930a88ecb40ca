/** The report: one HTML page that needs no network and no script, made of a file of results. */

import type { Result, ResultFile } from '../load/result.ts';
import { comparisonFigures } from './comparison-figures.ts';
import { costFigure } from './cost-figure.ts';
import { courseFigure } from './course-figure.ts';
import { loadFigure } from './load-figure.ts';
import { html, Markup } from './markup.ts';
import { latenciesOf, type ScenarioFindings } from './measured.ts';
import { counted, digits, perSecond, time } from './numerals.ts';
import { overview } from './overview.ts';
import { percentileFigure } from './percentile-figure.ts';
import { repeatCommand } from './repeat.ts';
import { resultsTable } from './results-table.ts';
import { STYLE } from './style.ts';
import { ReportSubject } from './subject.ts';
import { summary } from './summary.ts';

/** The page as text. There is at least one result in the file, or an error says so. */
export function reportPage(file: ResultFile): string {
  if (file.results.length === 0) throw new Error('nothing was measured, so there is nothing to report');
  const subject = new ReportSubject(file);
  const { scenarios } = subject;
  const links = scenarios.map(({ name }, index) => html`<li><a href="#scenario-${index}">${name}</a></li>`);
  // Nothing may be loaded and nothing may run, whatever stands in the file.
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>Gatehouse bench, ${file.startedAt.slice(0, 10)}</title><style>${new Markup(STYLE)}</style></head>
<body><main>${summary(subject)}${overview(subject)}${resultsTable(subject)}
<nav aria-label="Scenarios"><ul>${scenarios.length > 1 ? links : undefined}</ul></nav>
${scenarios.map((scenario, index) => section(subject, scenario, index))}</main></body></html>
`.text;
}

function section(subject: ReportSubject, scenario: ScenarioFindings, index: number): Markup {
  const command = repeatCommand(subject.file, scenario.name);
  const figures = [
    percentileFigure(subject, scenario, command),
    courseFigure(scenario, command),
    loadFigure(subject, scenario, command),
    ...comparisonFigures(subject, scenario, command),
    costFigure(scenario, command),
  ];
  return html`<section class="scenario" id="scenario-${index}"><h2>${scenario.name}</h2><p class="lead">${subject.about(scenario.name)} ${words(scenario)}</p>
<div class="cards">${figures}</div>${missing(scenario)}</section>`;
}

function words({ knee, usual, told, main }: ScenarioFindings): string {
  const { shown } = told;
  const lines = `${counted(shown.connections, 'connection')}${shown.protocol === 'h2' ? ` with up to ${counted(shown.streams, 'request')} at once` : ''}`;
  const sentences = [
    `${shown.protocol === 'h2' ? 'HTTP/2' : 'HTTP/1.1'}, ${shown.tls ? 'TLS' : 'in the clear'}, ${lines}, ${digits(shown.durationS)} s each.`,
  ];
  if (knee !== undefined) sentences.push(`${main} answers ${perSecond(knee.shown.rps)} at most.`);
  if (usual !== undefined && usual.rate!.from === usual.rate!.to) {
    const { p50, p99 } = usual.shown.latencyMs;
    sentences.push(
      `At ${perSecond(usual.rate!.from)} half of the answers come within ${time(p50)}, 99 of 100 within ${time(p99)}.`,
    );
  }
  return sentences.join(' ');
}

/** Which figures are not there, and what would make them. */
function missing(scenario: ScenarioFindings): Markup | undefined {
  const lines: string[] = [];
  const { course } = scenario.told.shown as Partial<Pick<Result, 'course'>>;
  if (course === undefined) lines.push('No latency over time: the file is of a bench that did not keep it yet.');
  if (latenciesOf(scenario.told) === undefined)
    lines.push('No percentile curve: the file has no histogram that can be read.');
  if (scenario.steady(scenario.main).length < 2 && scenario.ramp === undefined) {
    lines.push('For latency against load measure at several rates: --rates 10%,25%,50%,75%,90%.');
  }
  return lines.length === 0 ? undefined : html`<p class="reading">${lines.join(' ')}</p>`;
}

/** The figure of what the server spent: processor time, memory, lateness of its event loop, garbage collection. */

import { figure } from './figure.ts';
import { html, type Markup } from './markup.ts';
import { loadText, type Measured, type ScenarioFindings } from './measured.ts';
import { digits, mebibytes, percent, perSecond, time } from './numerals.ts';

/** The figure; undefined where nothing told what the server spent. */
export function costFigure(scenario: ScenarioFindings, command: string): Markup | undefined {
  // Of others only what stands beside the main loads: the table of all measurements has the rest.
  const known = scenario.all.filter(
    (one) =>
      one.shown.serverCost != null &&
      (one.server === scenario.main || one.loop === 'closed' || one === scenario.beside(one.server, scenario.told)),
  );
  if (known.length === 0) return undefined;
  const others = known.some(({ server }) => server !== scenario.main);
  const or = (value: number | null | undefined, text: (value: number) => string): string =>
    value == null ? '–' : text(value);
  const rows = known.map(({ server, loop, rate, shown }) => {
    const cost = shown.serverCost!;
    return html`<tr><th scope="row">${others ? `${server}, ` : ''}${loadText({ loop, rate })}</th><td>${or(cost.cpuSPer1000, digits)}</td><td>${or(cost.cores, digits)}</td><td>${or(cost.rssBytes, mebibytes)}</td><td>${or(cost.loopP99Ms, time)}</td><td>${or(cost.gcShare, percent)}</td></tr>`;
  });
  return figure({
    kind: 'cost',
    about: 'What the server spent',
    finding: finding(scenario.knee ?? known[0]!),
    picture: html`<div class="wide"><table class="small"><thead><tr><th scope="col">load</th><th scope="col">CPU s for 1,000</th><th scope="col">cores busy</th><th scope="col">memory</th><th scope="col">loop p99</th><th scope="col">GC</th></tr></thead><tbody>${rows}</tbody></table></div>`,
    reading:
      'CPU seconds for a thousand requests say what an answer costs; they are higher under little load, where there is less to do at once. Loop p99: how late the event loop was, which every request may have to wait. GC: share of the time that went into garbage collection.',
    command,
  });
}

function finding({ shown }: Measured): string {
  const cpu = shown.serverCost?.cpuSPer1000;
  if (cpu == null || cpu <= 0) return 'Memory and event loop under each load';
  return `A thousand requests cost ${digits(cpu)} CPU seconds: about ${perSecond(1000 / cpu)} for each core`;
}

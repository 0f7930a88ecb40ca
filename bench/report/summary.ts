/** The first page: what was measured, in words and a few numbers, with what makes them doubtful first. */

import { middle } from '../load/comparison.ts';
import { commandBlock } from './figure.ts';
import { html, type Markup } from './markup.ts';
import type { ScenarioFindings } from './measured.ts';
import { counted, digits, mebibytes, percent, perSecond, time } from './numerals.ts';
import type { ReportSubject } from './subject.ts';
import { warningsOf } from './warnings.ts';

/** A number that is said large. */
interface Headline {
  readonly value: string;
  readonly what: string;
}

/** The head of the page. */
export function summary(subject: ReportSubject): Markup {
  const { file, scenarios } = subject;
  const warnings = warningsOf(file);
  const tiles = headlines(scenarios).map(({ value, what }) => html`<li><b>${value}</b> ${what}</li>`);
  const list = warnings.map(({ bad, text }) => html`<li class="${bad ? 'bad' : 'note'}">${text}</li>`);
  return html`<header><h1>Gatehouse bench</h1><p class="lead">${lead(subject)}</p>
${warnings.length > 0 ? html`<section class="warnings"><h2>Before you read the numbers</h2><ul>${list}</ul></section>` : html`<p class="fine">No wrong answers, and nothing that makes the numbers doubtful.</p>`}
<ul class="tiles">${tiles}</ul>${setting(subject)}</header>`;
}

function lead({ file, scenarios }: ReportSubject): string {
  const what = file.target === 'stand-in' ? 'this gateway in front of a stand-in for ZITADEL' : file.target;
  const others = [...new Set(scenarios.flatMap(({ servers, main }) => servers.filter((name) => name !== main)))];
  const beside =
    others.length === 0
      ? ''
      : ` Beside it: ${others.map((name) => (name === 'direct' ? 'the upstream without the gateway (direct)' : name)).join(', ')}.`;
  return `${counted(scenarios.length, 'scenario')} against ${what}. In a closed loop each client asks again as soon as it has its answer: that finds the most a server can do, the knee. In an open loop requests come at a rate, whatever the server does, and latency counts from when a request was due: that is what users feel.${beside}`;
}

function headlines(scenarios: readonly ScenarioFindings[]): Headline[] {
  const all = scenarios.flatMap((scenario) => scenario.all.flatMap(({ rounds }) => rounds));
  const [answers, errors] = [sum(all.map((one) => one.answers)), sum(all.map((one) => one.errors))];
  const found: Headline[] = [
    errors === 0
      ? { value: 'No errors', what: `in ${counted(answers, 'answer')}, each of them checked` }
      : {
          value: percent(errors / (answers + errors)),
          what: `of all answers were wrong (${errors.toLocaleString('en-US')}); the other numbers are of right ones`,
        },
  ];
  const added = (key: 'p50' | 'p99'): number[] =>
    scenarios.flatMap((scenario) => {
      const direct =
        scenario.main === 'direct' || scenario.usual === undefined
          ? undefined
          : scenario.beside('direct', scenario.usual);
      return direct === undefined ? [] : [scenario.usual!.shown.latencyMs[key] - direct.shown.latencyMs[key]];
    });
  const [p50, p99] = [added('p50'), added('p99')];
  if (p50.length > 0) {
    found.push({ value: addition(middle(p50)), what: `added by the gateway to the median answer${range(p50, time)}` });
    found.push({ value: addition(middle(p99)), what: `added to p99, mostly noise in short runs${range(p99, time)}` });
  }
  const knees = scenarios.flatMap(({ knee }) => (knee === undefined ? [] : [knee.shown.rps]));
  if (knees.length > 0)
    found.push({ value: perSecond(middle(knees)), what: `at the knee, the most it answered${range(knees, digits)}` });
  const usual = scenarios.flatMap(({ usual }) => (usual === undefined ? [] : [usual.shown.latencyMs.p99]));
  if (usual.length > 0)
    found.push({
      value: time(middle(usual)),
      what: `p99 in the open loop${atQuarter(scenarios)}${range(usual, time)}`,
    });
  const cpu = scenarios.flatMap(({ knee }) => knee?.shown.serverCost?.cpuSPer1000 ?? []);
  if (cpu.length > 0)
    found.push({
      value: `${digits(middle(cpu))} s`,
      what: `of CPU for 1,000 requests at the knee${range(cpu, digits)}`,
    });
  return found;
}

/** The difference of two measurements, which noise may make less than nought. */
function addition(ms: number): string {
  return ms > 0 ? time(ms) : 'Nothing sure';
}

/** At which load, where all have the same. */
export function atQuarter(scenarios: readonly ScenarioFindings[]): string {
  const open = scenarios.filter(({ usual }) => usual !== undefined);
  return open.every(({ isAtQuarter }) => isAtQuarter) ? ' at about a quarter of the knee' : '';
}

/** Between which values it lies in the scenarios. */
function range(values: readonly number[], text: (value: number) => string): string {
  if (values.length < 2) return '';
  return `; the middle of ${values.length} scenarios, ${text(Math.min(...values))} to ${text(Math.max(...values))}`;
}

function setting({ file }: ReportSubject): Markup {
  const { machine } = file;
  const rows: [string, string][] = [
    ['When', file.startedAt],
    [
      'Target',
      file.target === 'stand-in' ? 'the gateway of this checkout, before the stand-in for ZITADEL' : file.target,
    ],
    [
      'Machine',
      `${machine.cpu}, ${counted(machine.cores, 'core')}, ${mebibytes(machine.memoryBytes)}, ${machine.system}`,
    ],
    [
      'Cores',
      file.target !== 'stand-in'
        ? 'not known'
        : file.pinned
          ? 'gateway and upstream each had one of their own'
          : 'shared by all',
    ],
    ['Versions', `Gatehouse ${machine.gatehouse}, Node ${machine.node}, OpenSSL ${machine.openssl}`],
    ['Revision', machine.revision ?? 'not known'],
  ];
  const list = rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`);
  return html`<section class="setting"><h2>What, where, when</h2><dl>${list}<dt>Command</dt><dd>${commandBlock(file.command)}</dd></dl></section>`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** What scenarios found, as a table for people and as JSON. */

import type { Finding, Scenario } from './scenario.ts';

/** A scenario and what it found. */
export interface Found {
  readonly scenario: Scenario;
  readonly finding: Finding;
  readonly seconds: number;
}

const ms = (value: number): string => value.toFixed(value < 10 ? 1 : 0);

/** A section of Markdown. */
export function section({ scenario, finding, seconds }: Found): string {
  const { tally, doubled, claims, numbers } = finding;
  const rows = tally.rows().map((row) => [row.phase, row.sent, row.answered, row.failed, ms(row.p50Ms), ms(row.p99Ms)]);
  const all = tally.outcomes.length;
  rows.push(['**all**', all, all - tally.failures.length, tally.failures.length, '', '']);
  const reasons = tally.reasons().slice(0, 8);
  return [
    `## ${scenario.name}`,
    `${scenario.what}. ${Math.round(seconds)} s; ${doubled.length} doubled, ${tally.resent} sent again by clients.`,
    table(['phase', 'sent', 'answered', 'failed', 'p50 ms', 'p99 ms'], rows),
    claims.map(({ what, found, holds }) => `- ${holds ? 'yes' : '**NO**'}: ${what}: ${found}`).join('\n'),
    ...(numbers
      ? [
          Object.entries(numbers)
            .map(([what, value]) => `- ${what}: ${value}`)
            .join('\n'),
        ]
      : []),
    ...(reasons.length > 0
      ? [`Failures:\n\n${reasons.map((reason) => `    ${reason.slice(0, 150)}`).join('\n')}`]
      : []),
  ].join('\n\n');
}

/** What a program reads. */
export function json(found: readonly Found[]): string {
  const scenarios = found.map(({ scenario, finding: { tally, doubled, claims, numbers }, seconds }) => ({
    name: scenario.name,
    what: scenario.what,
    seconds,
    sent: tally.outcomes.length,
    failed: tally.failures.length,
    doubled: doubled.length,
    resent: tally.resent,
    phases: tally.rows(),
    kinds: tally.rows('kind'),
    claims,
    numbers,
    failures: tally.reasons(),
  }));
  return `${JSON.stringify({ scenarios }, null, 2)}\n`;
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const lines = [head, head.map((_, column) => (column === 0 ? '---' : '---:')), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** A run as people read it: one line a row, then what failed and why. */

import type { Result, Run } from './run.ts';

const MARKS = { pass: 'pass', fail: 'FAIL', skipped: 'skip' } as const;

/** One line of the table; the widths fit the rows that there are. */
export function line({ id, title, protocol, outcome, detail }: Result): string {
  const head = `${MARKS[outcome]}  ${id.padEnd(9)} ${protocol.padEnd(8)}  ${title.padEnd(52)}`;
  return detail === undefined ? head.trimEnd() : `${head}  ${detail}`;
}

/** `9 passed, 1 failed, 2 skipped`, with the rows that failed by name. */
export function summary(results: readonly Result[]): string {
  const of = (outcome: Result['outcome']) => results.filter((result) => result.outcome === outcome);
  const failed = of('fail');
  const names = [...new Set(failed.map(({ group, id }) => `${group} ${id}`))];
  const counts = `${of('pass').length} passed, ${failed.length} failed, ${of('skipped').length} skipped`;
  return failed.length === 0 ? counts : `${counts}\nFailed: ${names.join('; ')}`;
}

/** What was asked, by what, over what. */
export function heading(asked: { url: string; host: string; versions: Readonly<Record<string, string>> }): string {
  const versions = Object.entries(asked.versions).map(([name, version]) => `${name} ${version}`);
  return `${asked.url} as ${asked.host}\nasked by ${versions.join(', ')}`;
}

/** What was found out about the deployment. */
export function found({ findings: { issuer, server, sockets } }: Run): string {
  const spoken = Object.entries(sockets).map(([protocol, socket]) => `${protocol} over ${socket}`);
  return [
    `issuer: ${issuer ?? 'none found'}`,
    ...(server === undefined ? [] : [`server: ${server}`]),
    `spoken: ${spoken.join('; ') || 'nothing'}`,
  ].join('\n');
}

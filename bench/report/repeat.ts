/** Commands that make a part of a report again. */

import { parseArgs } from 'node:util';
import { shownCommand } from '../load/command-line.ts';
import { BENCH_OPTIONS } from '../load/options.ts';
import type { ResultFile } from '../load/result.ts';

/** What names files or scenarios of one run, and belongs to no other. */
const OF_THE_RUN = ['scenario', 'json', 'html', 'baseline', 'fail-if'];

/** The command that measures one scenario again as it was, with a report of it; the whole one where the file does not know its parts. */
export function repeatCommand(file: Pick<ResultFile, 'command' | 'args'>, scenario: string): string {
  if (file.args === undefined) return file.command;
  return shownCommand(programOf(file.command), [...kept(file.args), '--scenario', scenario, '--html', 'report.html']);
}

function programOf(command: string): string {
  return command.startsWith('gatehouse bench') ? 'gatehouse bench' : 'npm run bench --';
}

function kept(args: readonly string[]): string[] {
  const { tokens } = parseArgs({
    args: [...args],
    options: BENCH_OPTIONS,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  return tokens.flatMap((token) => {
    if (token.kind !== 'option' || OF_THE_RUN.includes(token.name)) return [];
    return token.value === undefined ? [`--${token.name}`] : [`--${token.name}`, token.value];
  });
}

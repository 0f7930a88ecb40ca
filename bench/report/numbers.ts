/** The numbers of a run in a Markdown file, between two marks, so that nobody writes them by hand. */

import { comparisonTable, LEGEND } from '../load/comparison-table.ts';
import type { ResultFile } from '../load/result.ts';
import { remarks, resultTable } from '../load/table.ts';

const BEGIN = '<!-- numbers, from here on: npm run bench:report -- FILE.json --numbers THIS_FILE -->';
const END = '<!-- numbers, to here -->';

/** Markdown of a run: which, on what, and its tables. */
export function numbersOf(file: ResultFile): string {
  const { command, startedAt, machine, pinned, results, skipped } = file;
  const compared = results.some(({ server }) => server !== 'gatehouse' && server !== 'direct');
  const tables = compared ? `${comparisonTable(results)}\n\n${LEGEND}` : `${resultTable(results)}`;
  const notes = [
    ...skipped.map(({ scenario, server, why }) => `- ${scenario}, ${server}: left out: ${why}`),
    ...remarks(results).map((remark) => `- ${remark.trim()}`),
  ];
  return [
    `    ${command}`,
    `${startedAt.slice(0, 10)}, ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, revision ${machine.revision ?? 'unknown'}; ${pinned ? 'gateway and stand-in on a core each' : 'nothing pinned'}.`,
    `\`\`\`text\n${tables}\n\`\`\``,
    ...(notes.length > 0 ? [notes.join('\n')] : []),
  ].join('\n\n');
}

/** The text with the numbers in place of those between the marks. Throws where the marks are not there. */
export function withNumbers(text: string, numbers: string): string {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`expected the lines ${BEGIN} and ${END}`);
  return `${text.slice(0, begin + BEGIN.length)}\n\n${numbers}\n\n${text.slice(end)}`;
}

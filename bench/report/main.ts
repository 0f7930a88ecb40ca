/** A report of stored results: `npm run bench:report -- now.json [--out FILE | --numbers FILE]`. */

import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { numbersOf, withNumbers } from './numbers.ts';
import { reportPage } from './page.ts';
import { readStoredResults } from './stored-results.ts';

const USAGE = `Usage: npm run bench:report -- RESULTS.json [options]

  RESULTS.json   what npm run bench (or bench:compare) -- --json FILE wrote
  --out FILE     where the page goes (RESULTS.html)
  --numbers FILE writes the tables into a Markdown file, between its two marks, and makes no page
`;

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { out: { type: 'string' }, numbers: { type: 'string' }, help: { type: 'boolean', default: false } },
  });
  const [results] = positionals;
  if (values.help) process.stdout.write(USAGE);
  else if (results === undefined || positionals.length > 1) {
    process.stderr.write(USAGE);
    process.exitCode = 2;
  } else if (values.numbers !== undefined) {
    const text = readFileSync(values.numbers, 'utf8');
    writeFileSync(values.numbers, withNumbers(text, numbersOf(readStoredResults(results))));
    process.stdout.write(`${values.numbers}\n`);
  } else {
    const out = values.out ?? `${results.replace(/\.json$/, '')}.html`;
    writeFileSync(out, reportPage(readStoredResults(results)));
    process.stdout.write(`${out}\n`);
  }
} catch (error) {
  process.stderr.write(`bench:report: ${(error as Error).message}\n`);
  process.exitCode = 2;
}

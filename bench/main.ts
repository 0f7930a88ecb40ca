/** The bench by itself: `node bench/main.ts --help`; the same as `gatehouse bench`. */

import { parseArgs } from 'node:util';
import { runBench } from './load/bench.ts';
import { BENCH_HELP, BENCH_OPTIONS } from './load/options.ts';

try {
  const options = { ...BENCH_OPTIONS, help: { type: 'boolean', default: false } } as const;
  const { values } = parseArgs({ options });
  if (values.help) process.stdout.write(`Usage: npm run bench -- [options]\n\n  ${BENCH_HELP.join('\n  ')}\n`);
  else process.exitCode = await runBench(values);
} catch (error) {
  process.stderr.write(`bench: ${(error as Error).message}\n`);
  process.exitCode = 2;
}

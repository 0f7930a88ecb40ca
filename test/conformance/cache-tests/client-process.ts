/** One run of the suite's client, in a process of its own because the suite keeps its results in module scope. */

import { type Group, groups, load, type Results } from './suite.ts';

interface Client {
  runTests(
    groups: readonly Group[],
    fetch: unknown,
    browserCache: boolean,
    base: string,
    chunk?: number,
  ): Promise<void>;
  getResults(): Results;
}

const [base, id] = process.argv.slice(2);
let wanted = await groups();
if (id !== undefined) {
  wanted = wanted.map((group) => ({ ...group, tests: group.tests.filter((one) => one.id === id) }));
  // The suite then tells each request and each answer.
  for (const { tests } of wanted) for (const one of tests) Object.assign(one, { dump: true });
}
const { runTests, getResults } = await load<Client>('client/runner.mjs');
const { default: fetch } = (await import('./node_modules/node-fetch/lib/index.mjs' as string)) as { default: unknown };
await runTests(wanted, fetch, false, base!);
process.send!(getResults());
process.disconnect?.();

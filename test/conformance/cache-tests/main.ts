/**
 * The suite from the command line: `node test/conformance/cache-tests/main.ts gatehouse|nginx|none [test id]`, or
 * `published` for the results that the suite ships.
 */

import { type StartCache, startGatehouse, startNginx, startNone } from './caches.ts';
import { published } from './published.ts';
import { runSuite } from './runner.ts';
import { summary } from './score.ts';
import { missing } from './suite.ts';

const CACHES: Readonly<Record<string, StartCache>> = { gatehouse: startGatehouse, nginx: startNginx, none: startNone };

const [name = 'gatehouse', id] = process.argv.slice(2);
const start = CACHES[name];
const why = await missing();
if (why === undefined && name === 'published') {
  for (const one of await published()) console.log(summary(one.name, one.score));
  process.exit();
}
if (start === undefined || why !== undefined) {
  console.error(why ?? `unknown cache ${name}: expected ${Object.keys(CACHES).join(', ')} or published`);
  process.exit(1);
}
const score = await runSuite(start, id);
for (const failure of score.failures) {
  if (id === undefined || failure.id === id) console.log(`${failure.kind} ${failure.id}: ${failure.why}`);
}
if (id === undefined) console.log(summary(name, score));

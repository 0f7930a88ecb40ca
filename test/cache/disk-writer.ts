// Writes answers until it is killed: `disk-writer.ts DIRECTORY`. A line of JSON after each.

import { LocalFolder } from '../../src/cache/disk-folder.ts';
import { DiskTier } from '../../src/cache/disk-tier.ts';
import { Store } from '../../src/cache/store.ts';
import { systemClock } from '../../src/core/clock.ts';
import { answerOf, keyOf } from './stored-answers.ts';

const store = new Store({ maxBytes: 50_000_000, maxEntryBytes: 1_000_000 }, systemClock);
const tier = new DiskTier(store, new LocalFolder(process.argv[2]!), 50_000_000, systemClock, {
  onProblem: (problem) => console.log(JSON.stringify({ level: 'warn', event: 'problem', problem })),
  onRecovered: () => {},
});
await tier.start();
for (let written = 1; ; written += 1) {
  const key = keyOf(`/${written % 50}`);
  store.put(key, answerOf(`${key.target} `.repeat(1000 + (written % 7) * 5000)), store.begin(key));
  if (written % 5 !== 0) await tier.settled();
  console.log(JSON.stringify({ level: 'info', event: 'written', written }));
}

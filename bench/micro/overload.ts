/**
 * What the adaptive limit costs a request, and what it does: `node bench/micro/overload.ts`. The curves are those of the
 * model that test/limits/overload has: time by hand, so they are the same on every machine.
 */

import { systemClock } from '../../src/core/clock.ts';
import { AdaptiveLimit } from '../../src/limits/overload/adaptive-limit.ts';
import { LoopShedder } from '../../src/limits/overload/loop-shedder.ts';
import { type Kind, Model, quantile, type Told } from '../../test/limits/overload/model-server.ts';

const REQUESTS = 1_000_000;
const SETTINGS = { minLimit: 20, maxLimit: 1000, slowFactor: 2 };

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!;

function nanoseconds(one: () => void): number {
  const rounds = Array.from({ length: 7 }, () => {
    const started = process.hrtime.bigint();
    for (let i = 0; i < REQUESTS; i += 1) one();
    return Number(process.hrtime.bigint() - started) / REQUESTS;
  });
  return median(rounds);
}

const limit = new AdaptiveLimit(SETTINGS, systemClock);
const usual = limit.usual('api');
const clock = nanoseconds(() => void systemClock.now());
const limited = nanoseconds(() => {
  if (!limit.admits(2)) return;
  limit.enter(2, true);
  limit.leave(2, true);
  limit.answered(usual, 5);
});
const shedder = new LoopShedder(200);
for (let i = 0; i < 10; i += 1) shedder.observe(300);
console.log(
  `adaptive limit: ${limited.toFixed(0)} ns a request, of which two looks at the clock ${(2 * clock).toFixed(0)} ns`,
);
console.log(
  `event loop shedding, while it sheds: ${nanoseconds(() => void shedder.refuses(2)).toFixed(0)} ns a request\n`,
);

const percent = (part: number, of: number): string => `${Math.min(100, (100 * part) / of).toFixed(0)} %`;
const cell = ({ answered, offered, latencies }: Told): string =>
  `${percent(answered, offered)} in ${quantile(latencies, 0.5)} / ${quantile(latencies, 0.99)} ms`;

console.log('| load | limit | after | limit stands at | logins | API | assets |');
console.log('| --- | --- | --- | --- | --- | --- | --- |');
for (const limited of [false, true]) {
  for (const times of [0.5, 1.5, 3]) {
    const model = new Model({ slots: 8, deadlineMs: 5000, ...(limited && { limit: SETTINGS }) });
    // A quarter of the work is logins, a quarter API calls, half assets.
    const kinds: Kind[] = [
      { route: 'login', rank: 0, serviceMs: 100, perS: 10 },
      { route: 'api', rank: 2, serviceMs: 20, perS: 50 },
      { route: 'asset', rank: 3, serviceMs: 10, perS: 200 },
    ];
    model.run(20, kinds);
    for (const kind of kinds) kind.perS *= times * 2;
    for (const [after, seconds] of [
      ['10 s', 10],
      ['30 s', 20],
    ] as const) {
      const told = model.run(seconds, kinds);
      const cells = kinds.map(({ route }) => cell(told.get(route)!));
      console.log(
        `| ${times} times | ${limited ? 'adaptive' : 'none'} | ${after} | ${model.limit?.limit ?? '—'} | ${cells.join(' | ')} |`,
      );
    }
  }
}

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { describe, it } from 'node:test';

const MODULE = new URL('../../../src/encoding/variants/variant-maker.ts', import.meta.url);
const CLOCK = new URL('../../../src/core/clock.ts', import.meta.url);

/** Begins a large job, with more behind it, and goes on when the thread is at work. */
const BEGIN = `
import { VariantMaker } from ${JSON.stringify(MODULE.href)};
import { systemClock } from ${JSON.stringify(CLOCK.href)};
const maker = new VariantMaker({ clock: systemClock, maxQueuedBytes: 1e9, maxJobs: 100, onFailure() {} });
const text = (from) => Array.from({ length: 750_000 }, (_, n) => (Math.imul(n + from, 2654435761) >>> 12)).join(';');
const done = () => {};
maker.make({ digest: 'a', body: Buffer.from(text(1)) }, ['br', 'zstd', 'gzip'], done);
maker.make({ digest: 'b', body: Buffer.from(text(2)) }, ['br', 'zstd', 'gzip'], done);
const busy = () => process.cpuUsage().user - process.threadCpuUsage().user > 200_000;
await new Promise((resolve) => {
  const look = setInterval(() => busy() && (clearInterval(look), resolve()), 5);
});
process.stdout.write('at work ' + maker.stats.queuedJobs);
`;

async function run(end: string) {
  const flags = ['--input-type=module', '--eval', BEGIN + end];
  const child = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let errors = '';
  let at = 0;
  child.stdout.on('data', (data) => {
    out += data;
    at = performance.now();
  });
  child.stderr.on('data', (data) => {
    errors += data;
  });
  const [code] = await once(child, 'close');
  return { code, out, errors, afterMs: performance.now() - at };
}

describe('variant maker and the end of its process', () => {
  for (const [what, end] of [
    ['is disposed with jobs at hand', 'maker[Symbol.dispose]();'],
    ['is forgotten with jobs at hand', ''],
    ['has jobs at hand at process.exit', 'process.exit(0);'],
  ] as const)
    it(`does not keep the process when it ${what}, nor for as long as the job takes`, async () => {
      const { code, out, errors, afterMs } = await run(end);
      assert.equal(errors, '');
      assert.deepEqual([code, out], [0, 'at work 6']);
      // The job takes nine seconds on one core, a piece of it half a second at most.
      assert.ok(afterMs < 5000, `ended after ${Math.round(afterMs)} ms`);
    });

  it('keeps the process until all is made where that is waited for', async () => {
    const { code, out } = await run(`
      maker[Symbol.dispose]();
      const other = new VariantMaker({ clock: systemClock, maxQueuedBytes: 1e9, maxJobs: 9, onFailure() {} });
      other.make({ digest: 'a', body: Buffer.alloc(5000, 'a') }, ['br'], (_, coded) => process.stdout.write(' made'));
      await other.idle();`);
    assert.deepEqual([code, out], [0, 'at work 6 made']);
  });
});

describe('variant thread', { skip: process.platform !== 'linux' }, () => {
  it('runs at a lower priority than the thread of requests', async () => {
    const { VariantMaker } = await import(MODULE.href);
    const { systemClock } = await import(CLOCK.href);
    using maker = new VariantMaker({ clock: systemClock, maxQueuedBytes: 1e6, maxJobs: 9, onFailure() {} });
    maker.make({ digest: 'a', body: Buffer.alloc(5000, 'a') }, ['br'], () => {});
    await maker.idle();
    const nice = (task: string) => {
      // The name of a thread may have blanks: fields are counted from behind its closing parenthesis.
      const stat = readFileSync(`/proc/self/task/${task}/stat`, 'utf8');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
    };
    const own = nice(String(process.pid));
    const lower = constants.priority.PRIORITY_BELOW_NORMAL;
    assert.ok(own < lower);
    const others = readdirSync('/proc/self/task').filter((task) => task !== String(process.pid));
    assert.equal(others.filter((task) => nice(task) === lower).length, 1);
  });
});

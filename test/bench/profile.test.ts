// Profiles of the gateway under a scenario: what is printed, and a file that developer tools open.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { type HeapProfile, heapTables } from '../../bench/console/heap-table.ts';
import { type CallFrame, type Profile, profileTables } from '../../bench/console/profile-table.ts';

const run = promisify(execFile);
const PROFILE = join(import.meta.dirname, '..', '..', 'bench', 'profile.ts');

function folder(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'gatehouse-profile-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

async function profiled(out: string, ...args: string[]): Promise<string> {
  const times = ['--warm-up', '0.5', '--duration', '1'];
  const { stdout } = await run(process.execPath, [PROFILE, 'grpc-unary', ...times, '--out', out, ...args]);
  assert.match(stdout, /^grpc-unary: \d+ answers a second under the profiler, 0 errors/);
  return stdout;
}

test('the time of a call is told by place and by function, and a CPU profile is kept', async (t) => {
  const out = join(folder(t), 'grpc.cpuprofile');
  const said = await profiled(out);
  for (const place of ['src/transport', 'src/gateway', 'node:http2'])
    assert.match(said, new RegExp(`% .* µs {2}${place}`));
  const { samples } = JSON.parse(readFileSync(out, 'utf8')) as Profile;
  assert.ok(samples.length > 100, `${samples.length} samples`);
});

test('what a call allocates is told as well, and a heap profile is kept', async (t) => {
  const out = join(folder(t), 'grpc.heapprofile');
  const said = await profiled(out, '--heap');
  const [, each] = /^(\d+) bytes of the heap for an answer/m.exec(said)!;
  // A call has objects for both its streams at least, and is nowhere near a megabyte.
  assert.ok(Number(each) > 1000 && Number(each) < 1_000_000, `${each} bytes`);
  for (const place of ['src/transport', 'src/gateway', 'node:http2'])
    assert.match(said, new RegExp(`% .* B {2}${place}`));
  assert.ok((JSON.parse(readFileSync(out, 'utf8')) as HeapProfile).head.children.length > 0);
});

const frame = (functionName: string, url: string): CallFrame => ({ functionName, url, lineNumber: 9 });
const RELAY = frame('relay', 'file:///x/src/gateway/relay.ts');
const PUSH = frame('push', 'node:internal/streams/readable');

test('bytes are counted where they were taken, and for the function of the gateway that had them taken', () => {
  const push = { callFrame: PUSH, selfSize: 300, children: [] };
  const relay = { callFrame: RELAY, selfSize: 100, children: [push] };
  const head = { callFrame: frame('(root)', ''), selfSize: 0, children: [relay, { ...push, selfSize: 600 }] };
  assert.deepEqual(heapTables({ head }, 10), [
    '100 bytes of the heap for an answer',
    ...['', 'By place', ' 90.0 %       90 B  node:streams', ' 10.0 %       10 B  src/gateway'],
    ...['', 'By function, alone', ' 90.0 %       90 B  push node:internal/streams/readable:10'],
    ' 10.0 %       10 B  relay src/gateway/relay.ts:10',
    ...['', 'By function of the gateway, with what it calls elsewhere', ' 60.0 %       60 B  (none of the gateway)'],
    ' 40.0 %       40 B  relay src/gateway/relay.ts:10',
  ]);
});

test('time counts within the span only, and not where nothing was done', () => {
  const nodes = [
    { id: 1, callFrame: frame('(root)', ''), children: [2, 4] },
    { id: 2, callFrame: RELAY, children: [3] },
    { id: 3, callFrame: PUSH },
    { id: 4, callFrame: frame('(idle)', '') },
  ];
  const profile = { nodes, startTime: 1000, samples: [2, 2, 3, 4, 3], timeDeltas: [100, 100, 300, 1000, 100] };
  // The first sample is before it, the last one after it.
  assert.deepEqual(profileTables(profile, { from: 1150, to: 2550 }, 10), [
    ...['', 'By place', ' 75.0 %    30.00 µs  node:streams', ' 25.0 %    10.00 µs  src/gateway'],
    ...['', 'By function, alone', ' 75.0 %    30.00 µs  push node:internal/streams/readable:10'],
    ' 25.0 %    10.00 µs  relay src/gateway/relay.ts:10',
    ...['', 'By function, with what it calls', '100.0 %    40.00 µs  relay src/gateway/relay.ts:10'],
    '100.0 %    40.00 µs  (root) ',
    ' 75.0 %    30.00 µs  push node:internal/streams/readable:10',
  ]);
});

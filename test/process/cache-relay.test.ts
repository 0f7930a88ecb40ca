// What the main thread carries from the store of one worker to those of the others.
// Harm: an answer that was purged and comes back from a worker that had not heard of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StoreChange } from '../../src/cache/mirror.ts';
import { CacheRelay } from '../../src/process/cache-relay.ts';
import type { WorkerThread } from '../../src/process/worker-thread.ts';
import { answerOf, keyOf } from '../cache/stored-answers.ts';

type Told = readonly [epoch: number, kind: string | undefined];

function crew(count: number, all: readonly StoreChange[] = []) {
  const told: Told[][] = Array.from({ length: count }, () => []);
  const threads = told.map((mine) => ({
    mirror: (epoch: number, change?: StoreChange) => void mine.push([epoch, change?.kind]),
    ask: () => Promise.resolve(all),
  })) as unknown as WorkerThread[];
  return { told, threads, relay: new CacheRelay(() => threads) };
}

const KEPT: StoreChange = { kind: 'kept', key: keyOf('/a'), answer: answerOf('a'), endpoint: undefined };
const CODED: StoreChange = { kind: 'coded', digest: 'd', coding: 'br', coded: new Uint8Array(1) };
const INVALIDATED: StoreChange = { kind: 'invalidated', url: keyOf('/a') };
const from = (epoch: number, change: StoreChange) => ({ kind: 'cache', epoch, change }) as const;

test('what a worker has kept goes to all others, and not back', () => {
  const { told, threads, relay } = crew(3);
  relay.take(threads[0]!, from(0, KEPT));
  assert.deepEqual(told, [[], [[0, 'kept']], [[0, 'kept']]]);
});

test('what was kept before its worker heard of a purge is carried no further', () => {
  const { told, threads, relay } = crew(2);
  relay.purged();
  relay.take(threads[0]!, from(0, KEPT));
  assert.deepEqual(told, [[[1, undefined]], [[1, undefined]]]);
  relay.take(threads[0]!, from(1, KEPT));
  assert.deepEqual(told[1], [
    [1, undefined],
    [1, 'kept'],
  ]);
});

test('the same for what another worker has invalidated; who did is told the new count', () => {
  const { told, threads, relay } = crew(3);
  relay.take(threads[2]!, from(0, INVALIDATED));
  relay.take(threads[0]!, from(0, KEPT));
  assert.deepEqual(told, [[[1, 'invalidated']], [[1, 'invalidated']], [[1, undefined]]]);
});

test('a coding belongs to its body: it goes on whatever was purged', () => {
  const { told, threads, relay } = crew(2);
  relay.purged();
  relay.take(threads[0]!, from(0, CODED));
  assert.deepEqual(told[1]!.at(-1), [1, 'coded']);
});

test('a worker that begins gets what another has; what is purged meanwhile is asked for again', async () => {
  const { told, threads, relay } = crew(2, [KEPT]);
  const filled = relay.fill(threads[1]!);
  relay.purged();
  await filled;
  assert.deepEqual(told[1], [
    [1, undefined],
    [1, 'kept'],
  ]);
  assert.deepEqual(told[0], [[1, undefined]]);
});

test('a worker that begins alone gets nothing, and one that cannot tell costs nobody anything', async () => {
  const { told, threads, relay } = crew(1);
  await relay.fill(threads[0]!);
  const dumb = crew(2);
  Object.assign(dumb.threads[0]!, { ask: () => Promise.reject(new Error('busy')) });
  await dumb.relay.fill(dumb.threads[1]!);
  assert.deepEqual([told, dumb.told], [[[]], [[], []]]);
});

// The stores of several threads: what one keeps all have, and what one throws away nobody serves.
// Harm: a Console that is gone with the pods for every other visitor; an answer that outlives its end in one worker.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { Mirror, type StoreChange } from '../../src/cache/mirror.ts';
import { Store } from '../../src/cache/store.ts';
import { inSharedMemory } from '../../src/core/shared-memory.ts';
import { adopt } from '../../src/policies/cache/adopt.ts';
import { Release } from '../../src/policies/cache/release.ts';
import { HandClock } from '../support/hand-clock.ts';
import { answerOf, keyOf } from './stored-answers.ts';

const LIMITS = { maxBytes: 1_000_000, maxEntryBytes: 100_000 };
const RELEASE = { index: '/ui/console/', hashed: String.raw`\.[0-9a-f]{16}\.` };

/** A change as another thread gets it. */
function sent(change: StoreChange): StoreChange {
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(change);
  const received = receiveMessageOnPort(port2)!.message as StoreChange;
  port1.close();
  return received;
}

function thread(tell: (change: StoreChange) => void = () => {}) {
  const store = new Store(LIMITS, new HandClock(), inSharedMemory);
  const mirror = new Mirror(store, (change) => tell(sent(change)));
  const release = new Release(RELEASE as never);
  mirror.onKept('console', (kept) => adopt(kept, store, release));
  const keep = (target: string, text: string, parts: object = {}, endpoint = 'pod-1'): void => {
    const key = keyOf(target);
    const answer = store.put(key, answerOf(text, parts), store.begin(key))!;
    release.arrived(key, answer, endpoint, store);
    mirror.tell({ kind: 'kept', key, answer, endpoint });
  };
  const textOf = (target: string): string | undefined => {
    const [found] = store.get(keyOf(target));
    return found && Buffer.from(found.body).toString();
  };
  return { store, mirror, release, keep, textOf };
}

function pair() {
  const there = thread();
  const here = thread((change) => there.mirror.hear(change));
  return { here, there };
}

test('what one has fetched the other has, its bytes in the same memory', () => {
  const { here, there } = pair();
  here.keep('/ui/console/a.js', 'alert(1)');
  assert.equal(there.textOf('/ui/console/a.js'), 'alert(1)');
  const [mine] = here.store.get(keyOf('/ui/console/a.js'));
  const [theirs] = there.store.get(keyOf('/ui/console/a.js'));
  mine!.body[0] = 0x41;
  assert.equal(theirs!.body[0], 0x41);
});

test('a coding that one has made the other has, once; it is dropped where the body is not wanted any more', () => {
  const { here, there } = pair();
  here.keep('/ui/console/a.js', 'alert(1)');
  const [mine] = here.store.get(keyOf('/ui/console/a.js'));
  const coded = inSharedMemory(Buffer.from('br'));
  here.mirror.tell({ kind: 'coded', digest: mine!.digest, coding: 'br', coded });
  const codings = there.store.get(keyOf('/ui/console/a.js'))[0]!.codings;
  assert.equal(Buffer.from(codings.get('br')!).toString(), 'br');
  const first = codings.get('br');
  here.mirror.tell({ kind: 'coded', digest: mine!.digest, coding: 'br', coded: inSharedMemory(Buffer.from('xx')) });
  assert.equal(codings.get('br'), first);
  there.store.delete(keyOf('/ui/console/a.js'));
  here.mirror.tell({ kind: 'coded', digest: mine!.digest, coding: 'gzip', coded });
  assert.equal(there.store.figures().bodies, 0);
});

test('an older answer does not take the place of a newer one; a newer one does', () => {
  const { here, there } = pair();
  there.keep('/ui/console/a.js', 'new', { receivedAt: 2000 });
  here.keep('/ui/console/a.js', 'old', { receivedAt: 1000 });
  assert.equal(there.textOf('/ui/console/a.js'), 'new');
  here.keep('/ui/console/a.js', 'newest', { receivedAt: 3000 });
  assert.equal(there.textOf('/ui/console/a.js'), 'newest');
});

test('what the origin does not say any more goes in both, unless the other has heard something newer', () => {
  const { here, there } = pair();
  here.keep('/ui/console/a.js', 'a', { receivedAt: 1000 });
  here.keep('/ui/console/b.js', 'b', { receivedAt: 1000 });
  there.keep('/ui/console/b.js', 'b again', { receivedAt: 2000 });
  for (const target of ['/ui/console/a.js', '/ui/console/b.js'])
    here.mirror.tell({ kind: 'outdated', key: keyOf(target), vary: [], receivedAt: 1000 });
  assert.equal(there.textOf('/ui/console/a.js'), undefined);
  assert.equal(there.textOf('/ui/console/b.js'), 'b again');
});

test('a URL that an unsafe request has changed goes in both, with the fill of it that is under way', () => {
  const { here, there } = pair();
  here.keep('/ui/console/a.js', 'a');
  const fill = there.store.begin(keyOf('/ui/console/a.js'));
  const { route: _, ...url } = keyOf('/ui/console/a.js');
  here.mirror.tell({ kind: 'invalidated', url });
  assert.equal(there.textOf('/ui/console/a.js'), undefined);
  assert.equal(there.store.put(keyOf('/ui/console/a.js'), answerOf('a'), fill), undefined);
});

test('a new page throws the old files without a hash away in both, and says which pod the next ones come from', () => {
  const { here, there } = pair();
  here.keep('/ui/console/', 'page 1');
  here.keep('/ui/console/en.json', '{}', { release: here.store.get(keyOf('/ui/console/'))[0]!.digest });
  here.keep('/ui/console/main.0123456789abcdef.js', 'main');
  assert.equal(there.textOf('/ui/console/en.json'), '{}');
  here.keep('/ui/console/', 'page 2', { receivedAt: Date.UTC(2026, 0, 2) }, 'pod-2');
  assert.equal(there.textOf('/ui/console/'), 'page 2');
  assert.equal(there.textOf('/ui/console/en.json'), undefined);
  assert.equal(there.textOf('/ui/console/main.0123456789abcdef.js'), 'main');
  assert.equal(there.release.endpoint(keyOf('/ui/console/en.json')), 'pod-2');
});

test('attack on a roll-out: a file of the release before is not put beside the new page of another thread', () => {
  const { here, there } = pair();
  there.keep('/ui/console/', 'page 2', { receivedAt: Date.UTC(2026, 0, 2) }, 'pod-2');
  here.keep('/ui/console/en.json', '{"old":1}', { release: 'digest of page 1' });
  here.keep('/ui/console/de.json', '{"old":1}', { release: 'unknown' });
  assert.equal(there.textOf('/ui/console/en.json'), undefined);
  assert.equal(there.textOf('/ui/console/de.json'), undefined);
});

test('answers for different values of what Vary names stand side by side', () => {
  const { here, there } = pair();
  here.keep('/ui/console/a', 'en', { vary: [['accept-language', 'en']] });
  here.keep('/ui/console/a', 'de', { vary: [['accept-language', 'de']] });
  assert.equal(there.store.get(keyOf('/ui/console/a')).length, 2);
});

test('what a route keeps that the other thread does not have is not taken', () => {
  const { here, there } = pair();
  const key = keyOf('/x', { route: 'gone' });
  const answer = here.store.put(key, answerOf('x'), here.store.begin(key))!;
  here.mirror.tell({ kind: 'kept', key, answer, endpoint: undefined });
  assert.equal(there.store.figures().keys, 0);
});

test('a thread that begins is told everything, codings too, in the order of use', () => {
  const { here } = pair();
  here.keep('/ui/console/a.js', 'a');
  here.keep('/ui/console/b.js', 'b');
  here.store.addCoding(here.store.get(keyOf('/ui/console/a.js'))[0]!.digest, 'br', Buffer.from('coded'));
  const late = thread();
  for (const change of here.mirror.all()) late.mirror.hear(sent(change));
  assert.equal(late.textOf('/ui/console/b.js'), 'b');
  assert.equal(Buffer.from(late.store.get(keyOf('/ui/console/a.js'))[0]!.codings.get('br')!).toString(), 'coded');
  assert.deepEqual(
    [...here.store.resources()].map(({ key }) => key.target),
    ['/ui/console/a.js', '/ui/console/b.js'],
  );
});

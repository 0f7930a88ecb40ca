import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Store } from '../../src/cache/store.ts';
import type { CacheKey, StoredAnswer } from '../../src/cache/stored.ts';
import { hitRatio } from '../../src/cache/tally.ts';
import { HandClock } from '../support/hand-clock.ts';
import { answerOf, keyOf } from './stored-answers.ts';

function storeOf({ maxBytes = 1_000_000, maxEntryBytes = 0, maxVariants = 16 } = {}): Store {
  return new Store({ maxBytes, maxEntryBytes: maxEntryBytes || maxBytes, maxVariants }, new HandClock());
}

const put = (store: Store, key: CacheKey, stored: StoredAnswer) => store.put(key, stored, store.begin(key));
const texts = (store: Store, key: CacheKey): string[] => store.get(key).map(({ body }) => Buffer.from(body).toString());

test('an answer is found by its key, and by no key that differs in one part', () => {
  const store = storeOf();
  const key = keyOf('/ui/console/main.js');
  put(store, key, answerOf('a'));
  assert.deepEqual(texts(store, key), ['a']);
  for (const other of [
    { scheme: 'http' as const },
    { host: 'ID.example.com' },
    { host: '[::1]' },
    { target: '/ui/console/main.js?' },
    { target: '/ui/console/Main.js' },
    { route: 'assets' },
  ]) {
    assert.deepEqual(store.get({ ...key, ...other }), [], JSON.stringify(other));
  }
});

test('an answer takes the place of the one with the same values of Vary, the newest comes first, and 16 are kept', () => {
  const store = storeOf({ maxVariants: 3 });
  const key = keyOf('/');
  const varied = (language: string, text = language) => answerOf(text, { vary: [['accept-language', language]] });
  for (const language of ['de', 'en', 'fr']) put(store, key, varied(language));
  put(store, key, varied('de', 'de2'));
  assert.deepEqual(texts(store, key), ['de2', 'fr', 'en']);
  put(store, key, varied('it'));
  assert.deepEqual(texts(store, key), ['it', 'de2', 'fr']);
  put(store, key, answerOf('none'));
  assert.deepEqual(texts(store, key), ['none', 'it', 'de2'], 'other names are another variant');
  assert.equal(new Store({ maxBytes: 1, maxEntryBytes: 1 }, new HandClock()).limits.maxVariants, 16);
});

test('what was not used longest is pushed out, and stale answers stay until then', () => {
  const store = storeOf({ maxBytes: 20_000 });
  for (const name of ['/a', '/b', '/c', '/d']) put(store, keyOf(name), answerOf(name.repeat(1500), { freshForS: -10 }));
  store.get(keyOf('/a'));
  for (const name of ['/e', '/f']) put(store, keyOf(name), answerOf(name.repeat(1500)));
  assert.equal(store.get(keyOf('/a')).length, 1);
  assert.equal(store.get(keyOf('/b')).length, 0);
  assert.equal(store.get(keyOf('/f')).length, 1);
  const { bytes, evictions, entries } = store.figures();
  assert.ok(bytes <= 20_000 && bytes > 10_000);
  assert.equal(entries + evictions, 6);
});

test('a hundred hosts that serve one bundle keep one body and one set of codings, until the last one has left', () => {
  const store = storeOf();
  const body = Buffer.alloc(100_000, 'x');
  for (let i = 0; i < 100; i += 1) put(store, keyOf('/main.js', { host: `i${i}.example.com` }), answerOf(body));
  const first = keyOf('/main.js', { host: 'i0.example.com' });
  const [one] = store.get(first);
  const [other] = store.get(keyOf('/main.js', { host: 'i99.example.com' }));
  assert.equal(one!.body, other!.body);
  assert.ok(store.addCoding(one!.digest, 'br', Buffer.alloc(10_000)));
  assert.equal(other!.codings.get('br')!.byteLength, 10_000);
  assert.deepEqual([store.figures().bodies, store.figures().entries], [1, 100]);
  assert.ok(store.figures().bytes < 310_000);
  for (let i = 0; i < 99; i += 1) store.purge({ host: `i${i}.example.com` });
  assert.ok(store.figures().bytes > 110_000);
  store.purge({ host: 'i99.example.com' });
  assert.deepEqual([store.figures().bytes, store.figures().bodies, store.figures().entries], [0, 0, 0]);
});

test('a revalidated answer keeps its hits, and the codings of the body that it shares', () => {
  const store = storeOf();
  const key = keyOf('/main.js');
  const { digest } = put(store, key, answerOf('body'))!;
  store.addCoding(digest, 'br', Buffer.from('coded'));
  store.count('console', 'hit', store.get(key)[0]!);
  put(store, key, answerOf('body', { freshForS: 600 }));
  assert.equal(store.get(key)[0]!.hits, 1);
  const [answer] = store.get(key);
  assert.equal(answer!.freshForS, 600);
  assert.deepEqual([...answer!.codings.keys()], ['br']);
});

test('a digest that names bodies of two lengths is refused loudly', () => {
  const store = storeOf();
  put(store, keyOf('/a'), answerOf('one', { digest: 'same' }));
  assert.throws(() => put(store, keyOf('/b'), answerOf('other', { digest: 'same' })), /two lengths/);
  assert.deepEqual([store.figures().entries, store.figures().fills], [1, 0]);
});

test('a small body that is a view of a large chunk does not keep the chunk', () => {
  const store = storeOf();
  const chunk = Buffer.alloc(65_536, 'x');
  const kept = put(store, keyOf('/'), answerOf('', { body: chunk.subarray(5, 15), digest: 'd' }))!;
  assert.equal(kept.body.buffer.byteLength, 10);
});

test('an answer above the limit is not kept, and takes the one before along: that one is out of date', () => {
  const store = storeOf({ maxEntryBytes: 5_000 });
  put(store, keyOf('/'), answerOf('old'));
  assert.equal(put(store, keyOf('/'), answerOf('x'.repeat(5_000))), undefined);
  assert.deepEqual(texts(store, keyOf('/')), []);
  assert.equal(store.figures().too_large, 1);
  assert.throws(() => storeOf({ maxBytes: 10, maxEntryBytes: 11 }), /maxEntryBytes/);
});

test('a coding that does not fit is dropped, not the answer', () => {
  const store = storeOf({ maxEntryBytes: 8_000 });
  const key = keyOf('/');
  const kept = put(store, key, answerOf('x'.repeat(4_000)))!;
  assert.equal(store.addCoding(kept.digest, 'br', Buffer.alloc(1_000)), true);
  const before = store.figures().bytes;
  assert.equal(store.addCoding(kept.digest, 'gzip', Buffer.alloc(3_000)), false);
  assert.equal(store.addCoding(kept.digest, 'zstd', Buffer.alloc(3_000)), false);
  assert.deepEqual([...store.get(key)[0]!.codings.keys()], ['br']);
  assert.deepEqual([store.figures().bytes, store.figures().dropped_codings], [before, 2]);
  assert.equal(store.addCoding('unknown', 'br', Buffer.alloc(1)), false);
});

test('codings push out others, as answers do', () => {
  const store = storeOf({ maxBytes: 12_000 });
  put(store, keyOf('/a'), answerOf('a'.repeat(3_000)));
  const kept = put(store, keyOf('/b'), answerOf('b'.repeat(3_000)))!;
  assert.ok(store.addCoding(kept.digest, 'br', Buffer.alloc(3_000)));
  assert.deepEqual([store.get(keyOf('/a')).length, store.get(keyOf('/b')).length], [0, 1]);
});

test('a purge by URL, by prefix, by host and of everything reaches what it names and nothing else', () => {
  const targets = ['/ui/console/', '/ui/console/main.js', '/ui/console/main.js?v=1', '/ui/%63onsole/main.js', '/x'];
  const filled = (): Store => {
    const store = storeOf();
    for (const host of ['id.example.com', 'ID.EXAMPLE.COM:8443', '[2001:db8::1]:443']) {
      for (const target of targets) put(store, keyOf(target, { host }), answerOf(`${host}${target}`));
    }
    return store;
  };
  const cases: [Parameters<Store['purge']>[0], number][] = [
    [{ url: 'https://id.example.com/ui/console/main.js' }, 2],
    [{ url: 'HTTPS://ID.example.com:443/ui/console/main.js?v=1' }, 1],
    [{ url: 'https://[2001:DB8::1]/x' }, 1],
    [{ url: 'http://id.example.com/x' }, 0],
    [{ url: 'https://id.example.com' }, 0],
    [{ host: 'Id.Example.com', prefix: '/ui/console/' }, 8],
    [{ host: 'id.example.com:8443', prefix: '/ui/console/main' }, 3],
    [{ host: '[2001:db8::1]' }, 5],
    [{ host: 'id.example.com' }, 10],
    [{ host: 'example.com' }, 0],
    [{ all: true }, 15],
    [(key) => key.target === '/x', 3],
  ];
  for (const [order, expected] of cases) {
    const store = filled();
    assert.equal(store.purge(order), expected, JSON.stringify(order));
    assert.equal(store.figures().entries, 15 - expected);
    assert.equal(store.figures().purged, expected);
  }
});

test('an order that is none is refused with what was expected', () => {
  const store = storeOf();
  for (const [order, problem] of [
    [{ url: '/ui/console/' }, /^RangeError: url: expected a whole URL/],
    [{ url: 'https://id.example.com/a#b' }, /url: expected/],
    [{ url: 'https://user@id.example.com/' }, /url: expected/],
    [{ url: 'https://id.example.com:x/' }, /url: expected/],
    [{ host: '' }, /host: expected/],
    [{ host: 'id.example.com/ui' }, /host: expected/],
    [{ host: '2001:db8::1' }, /host: expected/],
    [{ host: 'id.example.com', prefix: 'ui' }, /prefix: expected/],
  ] as const) {
    assert.throws(() => store.purge(order), problem, JSON.stringify(order));
  }
});

test('a predicate purges some answers of a key and leaves the others', () => {
  const store = storeOf();
  put(store, keyOf('/'), answerOf('old', { release: 'v1', vary: [['a', '1']] }));
  put(store, keyOf('/'), answerOf('new', { release: 'v2', vary: [['a', '2']] }));
  assert.equal(
    store.purge((_key, { release }) => release === 'v1'),
    1,
  );
  assert.deepEqual(texts(store, keyOf('/')), ['new']);
});

test('a purge reaches the fills that are under way, and only those that it names', () => {
  const store = storeOf();
  const [a, b] = [keyOf('/a'), keyOf('/b', { host: 'other.example.com' })];
  const tokens = [store.begin(a), store.begin(b)] as const;
  assert.equal(store.figures().fills, 2);
  store.purge({ host: 'id.example.com' });
  assert.equal(store.put(a, answerOf('old'), tokens[0]), undefined);
  assert.ok(store.put(b, answerOf('b'), tokens[1]));
  assert.deepEqual([store.figures().fills, store.figures().refused], [0, 1]);
  assert.ok(put(store, a, answerOf('new')), 'a fill that begins afterwards is stored');
});

test('a purge by release looks at what a fill brings', () => {
  const store = storeOf();
  const [a, b] = [keyOf('/a'), keyOf('/b')];
  const tokens = [store.begin(a), store.begin(b)] as const;
  store.purge((_key, { release }) => release === 'console');
  assert.equal(store.put(a, answerOf('a', { release: 'console' }), tokens[0]), undefined);
  assert.ok(store.put(b, answerOf('b', { release: '' }), tokens[1]));
});

test('an unsafe request invalidates a URL in every route, stored and under way; others are left', () => {
  const store = storeOf();
  put(store, keyOf('/a'), answerOf('a'));
  put(store, keyOf('/a', { route: 'assets' }), answerOf('a'));
  put(store, keyOf('/b'), answerOf('b'));
  const underWay = keyOf('/a', { route: 'third' });
  const beside = keyOf('/c');
  const tokens = [store.begin(underWay), store.begin(beside)] as const;
  for (let i = 0; i < 1000; i += 1) store.invalidate({ scheme: 'https', host: 'id.example.com', target: `/post/${i}` });
  assert.equal(store.invalidate({ scheme: 'https', host: 'id.example.com', target: '/a' }), 2);
  assert.equal(store.put(underWay, answerOf('old'), tokens[0]), undefined);
  assert.ok(
    store.put(beside, answerOf('c'), tokens[1]),
    'a flood of unsafe requests keeps no other fill from being stored',
  );
  assert.deepEqual(texts(store, keyOf('/b')), ['b']);
});

test('a token is good once, for its key, and not after it was disposed of', () => {
  const store = storeOf();
  const [a, b] = [keyOf('/a'), keyOf('/b')];
  const token = store.begin(a);
  assert.equal(store.put(b, answerOf('b'), token), undefined);
  assert.equal(store.put(a, answerOf('a'), token), undefined, 'the first use ended it');
  const disposed = store.begin(a);
  disposed[Symbol.dispose]();
  assert.equal(store.put(a, answerOf('a'), disposed), undefined);
  assert.equal(store.figures().fills, 0);
});

test('a token for many keys refuses what was purged or invalidated since, and stores the rest', () => {
  const store = storeOf();
  using token = store.begin();
  store.delete(keyOf('/a'));
  store.purge({ host: 'gone.example.com' });
  assert.equal(store.put(keyOf('/a'), answerOf('a'), token), undefined);
  assert.equal(store.put(keyOf('/b', { host: 'gone.example.com' }), answerOf('b'), token), undefined);
  assert.ok(store.put(keyOf('/c'), answerOf('c'), token));
  assert.ok(store.put(keyOf('/d'), answerOf('d'), token));
});

test('attack: ever new values of what Vary names push out those that nobody uses', () => {
  const clock = new HandClock();
  const store = new Store({ maxBytes: 1_000_000, maxEntryBytes: 1_000_000, maxVariants: 3 }, clock);
  const key = keyOf('/');
  const hot = put(store, key, answerOf('hot'))!;
  for (let i = 0; i < 20; i += 1) {
    clock.pass(1);
    put(store, key, answerOf(`${i}`, { vary: [['origin', `${i}`]] }));
    clock.pass(1);
    store.count('console', 'hit', hot);
  }
  assert.deepEqual(texts(store, key).sort(), ['18', '19', 'hot']);
});

test('attack: who provokes what cannot be stored marks nothing for those who say something else', () => {
  const store = storeOf();
  const key = keyOf('/a');
  store.markUncacheable(key, 10, 'evil');
  assert.ok(store.isUncacheable(key, 'evil'));
  assert.ok(!store.isUncacheable(key));
  assert.ok(!store.isUncacheable(key, 'good'));
});

test('a key is uncacheable for its time, until something was stored or purged', () => {
  const clock = new HandClock();
  const store = new Store({ maxBytes: 100_000, maxEntryBytes: 100_000 }, clock);
  const key = keyOf('/a');
  store.markUncacheable(key, 10);
  assert.ok(store.isUncacheable(key));
  assert.ok(!store.isUncacheable(keyOf('/b')));
  clock.pass(10_000);
  assert.ok(!store.isUncacheable(key));
  store.markUncacheable(key, 10);
  put(store, key, answerOf('a'));
  assert.ok(!store.isUncacheable(key));
  store.markUncacheable(key, 10);
  store.purge({ all: true });
  assert.ok(!store.isUncacheable(key));
});

test('attack: marks of thousands of long URLs stay within 4 MiB', () => {
  const store = storeOf();
  for (let i = 0; i < 5_000; i += 1) store.markUncacheable(keyOf(`/${'x'.repeat(2_000)}${i}`), 60);
  assert.ok(store.figures().uncacheable < 2_100);
  assert.ok(store.isUncacheable(keyOf(`/${'x'.repeat(2_000)}4999`)));
});

test('attack: answers with many long fields and keys are counted with them', () => {
  const store = storeOf({ maxBytes: 200_000 });
  const fields = Array.from({ length: 20 }, (_, i) => [`x-${i}`, 'v'.repeat(450)]).flat();
  for (let i = 0; i < 200; i += 1) put(store, keyOf(`/${'q'.repeat(1_000)}${i}`), answerOf('', { fields }));
  assert.ok(store.figures().entries < 20);
});

test('hits, stale and misses are counted in all, by route, and by answer', () => {
  const store = storeOf();
  const kept = put(store, keyOf('/'), answerOf('a'))!;
  store.count('console', 'miss');
  store.count('console', 'hit', kept);
  store.count('console', 'stale', kept);
  store.count('assets', 'hit');
  assert.equal(kept.hits, 2);
  assert.deepEqual(store.tally.total(), { hit: 2, stale: 1, miss: 1 });
  assert.equal(hitRatio(store.tally.total()), 0.75);
  assert.equal(hitRatio({ hit: 0, stale: 0, miss: 0 }), undefined);
});

test('after any sequence of orders what is counted is what is there, and never above the limit', () => {
  const name = fc.constantFrom('/a', '/b', '/c', '/d', '/e', '/f');
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('put' as const),
      name,
      size: fc.nat(4_000),
      letter: fc.constantFrom('x', 'y'),
      vary: fc.nat(2),
    }),
    fc.record({ kind: fc.constant('code' as const), name, size: fc.nat(3_000) }),
    fc.record({ kind: fc.constant('delete' as const), name }),
    fc.record({ kind: fc.constant('get' as const), name }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const store = storeOf({ maxBytes: 16_000, maxEntryBytes: 6_000, maxVariants: 2 });
      let seen = 0;
      const sizes = new Map<unknown, number>();
      store.follower = {
        onKept: (_key, answer) => sizes.set(answer, 1),
        onGrew: () => {},
        onGone: (_key, answer) => {
          seen += 1;
          sizes.delete(answer);
        },
      };
      for (const step of steps) {
        const key = keyOf(step.name);
        if (step.kind === 'put') {
          put(store, key, answerOf(step.letter.repeat(step.size), { vary: [['v', String(step.vary)]] }));
        } else if (step.kind === 'code') {
          const [answer] = store.get(key);
          if (answer) store.addCoding(answer.digest, 'br', Buffer.alloc(step.size));
        } else if (step.kind === 'delete') store.delete(key);
        else store.get(key);
        const { bytes, entries, keys, bodies } = store.figures();
        assert.ok(bytes <= 16_000 && bytes >= 0);
        const all = [...store.resources()];
        assert.equal(all.length, keys);
        const answers = all.flatMap(({ answers }) => answers);
        assert.equal(answers.length, entries);
        assert.equal(new Set(answers.map(({ digest }) => digest)).size, bodies);
        assert.equal(new Set(answers.map(({ body }) => body)).size, bodies);
        assert.deepEqual(new Set(sizes.keys()), new Set(answers), 'the follower knows what is there');
      }
      store.purge({ all: true });
      assert.deepEqual([store.figures().bytes, sizes.size], [0, 0]);
      assert.ok(seen >= 0);
    }),
    { numRuns: 150 },
  );
});

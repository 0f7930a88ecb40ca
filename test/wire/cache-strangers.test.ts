// An answer that may not be stored belongs to the request it was made for. Harm: one user reads another's answer.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { type Cached, type Got, startCached, type Wish } from '../support/cached.ts';
import type { Asked } from '../support/origin.ts';
import { until } from '../support/until.ts';

let stage: Cached;
let target = '/c/0';
let number = 0;
let pending: Asked[] = [];

before(async () => {
  stage = await startCached({ cache: { credentials: 'rfc9111', request_fields: 'all' } });
});
after(() => stage[Symbol.asyncDispose]());
beforeEach(() => {
  number += 1;
  target = `/c/${number}`;
  pending = [];
  stage.origin.play = (one) => void pending.push(one);
});
afterEach(() => until(() => open() === 0));

const open = (): number => stage.gateway.primary.openExchanges;

/** Begins a request and waits until the gateway has it. */
async function begin(wish: Wish): Promise<{ readonly got: Promise<Got> }> {
  const before = open();
  const got = stage.get(target, wish);
  await until(() => open() === before + 1);
  return { got };
}

/** Answers each request that the origin has, and that comes, by its own credentials. */
function answer(said: Record<string, string>): void {
  const whose = (one: Asked): void =>
    one.answer(200, said, `of ${one.headers.authorization ?? one.headers.cookie ?? one.headers['x-key'] ?? 'nobody'}`);
  stage.origin.play = whose;
  for (const one of pending) whose(one);
}

const ALICE: readonly Record<string, string>[] = [
  { authorization: 'Bearer alice' },
  { cookie: 'session=alice' },
  { 'x-key': 'alice' },
];
const NOT_STORED = ['private, max-age=60', 'no-store', 'max-age=0'];

for (const fields of ALICE) {
  const [name] = Object.keys(fields);
  for (const control of NOT_STORED) {
    test(`attack: who waits while a stranger asks with ${name} and leaves does not get the answer (${control})`, async () => {
      const leaver = new AbortController();
      const alice = await begin({ fields, signal: leaver.signal });
      await until(() => pending.length === 1);
      const bob = await begin({ fields: {} });
      leaver.abort();
      await alice.got;
      await until(() => open() === 1);
      answer({ 'cache-control': control });
      assert.equal((await bob.got).text, 'of nobody');
    });

    test(`attack: who waits while a stranger asks with ${name} for a part does not get the whole (${control})`, async () => {
      const alice = await begin({ fields: { ...fields, range: 'bytes=0-3' } });
      await until(() => pending.length === 1);
      const bob = await begin({ fields: {} });
      answer({ 'cache-control': control });
      assert.equal((await bob.got).text, 'of nobody');
      assert.match((await alice.got).text, /^of .*alice$/);
    });
  }
}

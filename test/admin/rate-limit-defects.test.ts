// What @fastify/rate-limit 11.2.0 does that a limit must not do, and that ours does not. The first half of each test
// shows the defect; when it fails after an update, the way round it may go.

import assert from 'node:assert/strict';
import test from 'node:test';
import rateLimit from '@fastify/rate-limit';
import Fastify from 'fastify';
import type { Clock } from '../../src/core/clock.ts';
import { bearer, startAdmin, TOKEN } from './started-admin.ts';

const WRONG = { headers: bearer('wrong') };

test('@fastify/rate-limit 11.2.0: a second hook returns without a word; ours is a call, and refuses', async () => {
  const app = Fastify();
  await app.register(rateLimit, { global: false });
  const [loose, strict] = [app.rateLimit({ max: 1000 }), app.rateLimit({ max: 1 })];
  app.get('/', { onRequest: [loose, strict] }, async () => 'ok');
  const stock = [];
  for (let i = 0; i < 3; i += 1) stock.push((await app.inject('/')).statusCode);
  assert.deepEqual(stock, [200, 200, 200]);

  await using admin = await startAdmin({ token: TOKEN, wrongTokens: { max: 2, windowMs: 60_000 } });
  const ours = [];
  for (let i = 0; i < 3; i += 1) ours.push((await admin.get('/config', WRONG)).status);
  assert.deepEqual(ours, [401, 401, 429]);
});

test('@fastify/rate-limit 11.2.0: around the end of a window twice as many pass; of ours never', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  const app = Fastify();
  await app.register(rateLimit, { max: 5, timeWindow: 1000 });
  app.get('/', async () => 'ok');
  const passed = async () => {
    let count = 0;
    for (let i = 0; i < 10; i += 1) if ((await app.inject('/')).statusCode === 200) count += 1;
    return count;
  };
  await app.inject('/'); // opens the window
  t.mock.timers.setTime(1_000_990);
  const before = await passed();
  t.mock.timers.setTime(1_001_000);
  assert.equal(before + (await passed()), 9, 'of 5 in a second, within 10 ms');
  t.mock.timers.reset();

  let now = 0;
  const clock: Clock = { now: () => now, wall: () => now, after: () => () => {} };
  await using admin = await startAdmin({ token: TOKEN, wrongTokens: { max: 5, windowMs: 1000 }, clock });
  const ours = async () => {
    let count = 0;
    for (let i = 0; i < 10; i += 1) if ((await admin.get('/config', WRONG)).status === 401) count += 1;
    return count;
  };
  await admin.get('/config', WRONG);
  now = 990;
  const first = await ours();
  now = 1000;
  assert.equal(first + (await ours()), 5);
});

test('@fastify/rate-limit 11.2.0: a groupId shares no count between routes; ours is one for all paths', async () => {
  const app = Fastify();
  await app.register(rateLimit, { global: false });
  const config = { rateLimit: { max: 1, groupId: 'together' } };
  app.get('/a', { config }, async () => 'ok');
  app.get('/b', { config }, async () => 'ok');
  assert.equal((await app.inject('/a')).statusCode, 200);
  assert.equal((await app.inject('/b')).statusCode, 200);

  await using admin = await startAdmin({ token: TOKEN, wrongTokens: { max: 1, windowMs: 60_000 } });
  assert.equal((await admin.get('/config', WRONG)).status, 401);
  assert.equal((await admin.get('/upstreams', WRONG)).status, 429);
});

test('@fastify/rate-limit 11.2.0: other addresses push a blocked one out of its store; out of ours they do not', async () => {
  const app = Fastify({ trustProxy: true });
  await app.register(rateLimit, { max: 1, cache: 100 });
  app.get('/', async () => 'ok');
  const from = async (address: string) =>
    (await app.inject({ url: '/', headers: { 'x-forwarded-for': address } })).statusCode;
  assert.equal(await from('192.0.2.1'), 200);
  assert.equal(await from('192.0.2.1'), 429);
  for (let i = 0; i < 101; i += 1) await from(`198.51.100.${i}`);
  assert.equal(await from('192.0.2.1'), 200);
  // Ours: "a blocked address stays blocked however many others come", wrong-tokens.test.ts.
});

test('wrong tokens are counted by address: one that guesses does not shut out the others', async () => {
  await using admin = await startAdmin({ token: TOKEN, wrongTokens: { max: 3, windowMs: 60_000 } });
  for (let i = 0; i < 5; i += 1) await admin.get('/config', { ...WRONG, from: '127.0.0.2' });
  const blocked = await admin.get('/config', { headers: bearer(TOKEN), from: '127.0.0.2' });
  assert.equal(blocked.status, 429);
  assert.equal(JSON.parse(blocked.text).error.code, 'TOO_MANY_REQUESTS');
  assert.equal(blocked.headers['retry-after'], '20');
  assert.equal((await admin.get('/live', { from: '127.0.0.2' })).status, 200);
  assert.equal((await admin.get('/config', { headers: bearer(TOKEN), from: '127.0.0.3' })).status, 200);
});

test('the right token is never counted, nor is a request without one', async () => {
  await using admin = await startAdmin({ token: TOKEN, wrongTokens: { max: 2, windowMs: 60_000 } });
  for (let i = 0; i < 10; i += 1) {
    assert.equal((await admin.get('/config', { headers: bearer(TOKEN) })).status, 200);
    assert.equal((await admin.get('/config')).status, 401);
  }
});

test('guesses that come at once are not compared before they are counted', async () => {
  await using admin = await startAdmin({ token: TOKEN, wrongTokens: { max: 3, windowMs: 60_000 } });
  const answers = await Promise.all(Array.from({ length: 20 }, () => admin.get('/config', WRONG)));
  assert.equal(answers.filter(({ status }) => status === 401).length, 3);
});

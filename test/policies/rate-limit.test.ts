// Rate limits by themselves: what a request is charged, what it gets back, and what makes a device known.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import rateLimitPlugin from '@fastify/rate-limit';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { GatewayError } from '../../src/core/errors.ts';
import type { PolicyHooks, PolicyServices } from '../../src/core/policy.ts';
import type { OpenExchange } from '../../src/gateway/exchange.ts';
import { LocalTier } from '../../src/limits/local-tier.ts';
import { sharedMarks } from '../../src/limits/marks.ts';
import { SharedTable } from '../../src/limits/shared-table.ts';
import { options } from '../../src/policies/rate-limit/options.ts';
import { pluginOptions } from '../../src/policies/rate-limit/store.ts';
import { rateLimit } from '../../src/policies/rate-limit.ts';
import { ZITADEL_RPCS } from '../../src/rpc/rpc-table.ts';
import { HandClock } from '../support/hand-clock.ts';
import { contextOf, exchangeOf } from './asked.ts';

const apps: FastifyInstance[] = [];
after(() => Promise.all(apps.map((app) => app.close())));

/** A policy with limits, over counts of its own. */
async function policy(limits: object, more: object = {}, shadow = false) {
  const clock = new HandClock();
  const table = () => new SharedTable(SharedTable.allocate(1024, crypto.getRandomValues.bind(crypto)), 1);
  const tier = new LocalTier(table(), clock);
  const services = {
    tier,
    marks: sharedMarks(table()),
    rpcs: ZITADEL_RPCS,
    ipv6PrefixLength: 64,
    untrustedPrivatePeers: shadow ? 'shadow' : 'enforce',
  } as Partial<PolicyServices>;
  const app = Fastify();
  apps.push(app);
  await app.register(rateLimitPlugin, pluginOptions(tier) as never);
  const context = { ...contextOf(clock, services), app };
  const told: { rule: string; enforced: boolean }[] = [];
  context.events.on('refused', ({ rule, enforced }) => told.push({ rule, enforced }));
  const settings = options.parse({ limits, ...more });
  const hooks = rateLimit.hooks(settings, context);
  return {
    clock,
    told,
    hooks,
    explain: rateLimit.explain!(settings, context),
    ask: (fields: Record<string, string> = {}, path?: string) => exchangeOf(clock, fields, path),
  };
}

/** Runs both hooks on the way in; gives what they refuse with. */
async function admit(hooks: PolicyHooks, exchange: OpenExchange): Promise<GatewayError | undefined> {
  for (const hook of [hooks.onRequest, hooks.preHandler]) {
    if (hook === undefined) continue;
    const { promise, resolve } = Promise.withResolvers<Error | undefined>();
    hook({ exchange } as unknown as FastifyRequest, {} as FastifyReply, resolve);
    const error = await promise;
    if (error !== undefined) return error as GatewayError;
  }
  return undefined;
}

/** How a request came to its end. */
function end(exchange: OpenExchange, status: number, attempts = 1): void {
  exchange.record.attempts = attempts;
  exchange.record.status = status;
  exchange.record.answeredBy = 'upstream';
  exchange.close();
}

const each = (key: string[], more: object = {}) => ({ key, requests: 2, period_s: 60, ...more });

test('so many are admitted, the next is refused with the rule, the time to wait and what is left of all limits', async () => {
  const { hooks, ask, clock, told } = await policy({
    wide: each(['address'], { requests: 9 }),
    tight: each(['address']),
  });
  assert.equal(await admit(hooks, ask()), undefined);
  assert.equal(await admit(hooks, ask()), undefined);
  const error = await admit(hooks, ask());
  assert.equal(error?.code, 'TOO_MANY_REQUESTS');
  assert.equal(error?.rule, 'tight');
  assert.equal(error?.retryAfterS, 30);
  assert.deepEqual(
    error?.quotas?.map(({ rule, remaining }) => [rule, remaining]),
    [
      ['wide', 6],
      ['tight', 0],
    ],
  );
  assert.deepEqual(told, [{ rule: 'tight', enforced: true }]);
  clock.pass(30_000);
  assert.equal(await admit(hooks, ask()), undefined, 'and then one more');
});

test('what a refused request took of the limits before is given back', async () => {
  const { hooks, ask } = await policy({ wide: each(['address'], { requests: 4 }), tight: each(['header:x-one']) });
  for (let i = 0; i < 50; i += 1) await admit(hooks, ask({ 'x-one': 'same' }));
  assert.equal(await admit(hooks, ask({ 'x-one': 'a' })), undefined);
  assert.equal(await admit(hooks, ask({ 'x-one': 'b' })), undefined);
  assert.equal((await admit(hooks, ask({ 'x-one': 'c' })))?.rule, 'wide', 'four in all, as if the others had not come');
});

test('a request that lacks a part is not counted, counted with all such, or refused', async () => {
  for (const [missing, refused] of [
    ['skip', 0],
    ['shared', 3],
    ['refuse', 5],
  ] as const) {
    const { hooks, ask } = await policy({ one: each(['header:x-one'], { missing }) });
    let count = 0;
    for (let i = 0; i < 5; i += 1) if ((await admit(hooks, ask())) instanceof GatewayError) count += 1;
    assert.equal(count, refused, missing);
  }
});

const GUESSES = each(['header:x-account'], { count: 'failures' });

test('failures: reserved at admission, given back when the answer is none or nothing was sent', async () => {
  const { hooks, ask } = await policy({ guesses: GUESSES });
  const account = { 'x-account': 'joe' };
  for (const [status, attempts] of [
    [201, 1],
    [401, 0],
    [500, 1],
  ] as const) {
    const exchange = ask(account);
    assert.equal(await admit(hooks, exchange), undefined);
    end(exchange, status, attempts);
  }
  const [one, two] = [ask(account), ask(account)];
  assert.equal(await admit(hooks, one), undefined);
  assert.equal(await admit(hooks, two), undefined);
  assert.equal((await admit(hooks, ask(account)))?.rule, 'guesses', 'while the others have no answer yet');
  end(one, 401);
  end(two, 201);
  assert.equal(await admit(hooks, ask(account)), undefined, 'one was none');
  assert.equal((await admit(hooks, ask(account)))?.code, 'TOO_MANY_REQUESTS');
});

test('attack: requests that are no failures are held open and buy no guesses: what they took is not given back', async () => {
  for (const [openMs, status, attempts, guesses] of [
    [10_000, 201, 1, 2],
    [10_001, 201, 1, 0],
    [10_001, 400, 0, 0],
  ] as const) {
    const { hooks, ask, clock } = await policy({ guesses: GUESSES });
    const account = { 'x-account': 'joe' };
    const held = [ask(account), ask(account)];
    for (const exchange of held) assert.equal(await admit(hooks, exchange), undefined);
    clock.pass(openMs);
    for (const exchange of held) end(exchange, status, attempts);
    let admitted = 0;
    while ((await admit(hooks, ask(account))) === undefined) admitted += 1;
    assert.equal(admitted, guesses, `open for ${openMs} ms, ended with ${status}`);
  }
});

test('attack: a client that leaves while it is admitted leaves nothing reserved', async () => {
  const { hooks, ask } = await policy({ guesses: GUESSES });
  for (let i = 0; i < 5; i += 1) {
    const exchange = ask({ 'x-account': 'joe' });
    const admitted = admit(hooks, exchange);
    exchange.close();
    assert.equal(await admitted, undefined);
  }
});

test('attack: a session beside others in the cookie is counted as if it were alone', async () => {
  const { hooks, ask } = await policy({ sessions: each(['login_session']) });
  const from = (...ids: string[]) => ask({ cookie: `sessions=${JSON.stringify(ids.map((id) => ({ id })))}` });
  let admitted = 0;
  for (let i = 0; i < 20; i += 1) if ((await admit(hooks, from(`fake-${i}`, 'real'))) === undefined) admitted += 1;
  assert.equal(admitted, 2);
  assert.equal(await admit(hooks, from('fake-19')), undefined, 'a refused request counts for none of them');
});

const KNOWN = { ...GUESSES, known: { by: ['header:x-device'], proof: ['header:x-secret'], for_s: 3600, pool: 2 } };

async function success(hooks: PolicyHooks, exchange: OpenExchange): Promise<boolean> {
  const refused = await admit(hooks, exchange);
  end(exchange, refused === undefined ? 201 : 429, refused === undefined ? 1 : 0);
  return refused === undefined;
}

/** Uses up the account for devices that nobody knows. */
async function exhaust(hooks: PolicyHooks, ask: (fields: Record<string, string>) => OpenExchange): Promise<void> {
  for (let i = 0; i < 2; i += 1) {
    const exchange = ask({ 'x-account': 'joe', 'x-device': `stranger-${i}` });
    await admit(hooks, exchange);
    end(exchange, 401);
  }
  assert.ok(await admit(hooks, ask({ 'x-account': 'joe', 'x-device': 'another' })));
}

test('known: a device is known by success with a secret, not by success alone, and for so long', async () => {
  const { hooks, ask, clock } = await policy({ guesses: KNOWN });
  const from = (device: string, more = {}) => ask({ 'x-account': 'joe', 'x-device': device, ...more });
  assert.ok(await success(hooks, from('laptop', { 'x-secret': 'right' })));
  assert.ok(await success(hooks, from('visitor')));
  await exhaust(hooks, ask);
  assert.equal(await success(hooks, from('laptop')), true);
  assert.equal(await success(hooks, from('visitor')), false);
  clock.pass(3_600_000);
  await exhaust(hooks, ask);
  assert.equal(await success(hooks, from('laptop')), false, 'an hour later it is forgotten');
});

test('attack: however many devices somebody made known, together they have a multiple of the limit', async () => {
  const { hooks, ask } = await policy({ guesses: KNOWN });
  const device = (i: number, more = {}) => ask({ 'x-account': 'joe', 'x-device': `d${i}`, ...more });
  for (let i = 0; i < 100; i += 1) assert.ok(await success(hooks, device(i, { 'x-secret': 'of another account' })));
  let reached = 0;
  for (let i = 0; i < 100; i += 1) {
    const exchange = device(i);
    if ((await admit(hooks, exchange)) !== undefined) continue;
    reached += 1;
    end(exchange, 401);
  }
  assert.equal(reached, 2 * 2, 'twice the burst, not a hundred times');
});

test('a limit by address alone only reports while the address may be that of a proxy', async () => {
  const { hooks, ask, told } = await policy(
    { all: each(['address', 'route']), one: each(['address', 'header:x']) },
    {},
    true,
  );
  const proxied = (fields = {}) => {
    const exchange = ask(fields);
    Object.assign(exchange, { client: { ...exchange.client, mayBeProxy: true } });
    return exchange;
  };
  for (let i = 0; i < 5; i += 1) assert.equal(await admit(hooks, proxied()), undefined);
  assert.deepEqual(told[0], { rule: 'all', enforced: false });
  for (let i = 0; i < 2; i += 1) await admit(hooks, proxied({ x: 'a' }));
  assert.equal((await admit(hooks, proxied({ x: 'a' })))?.rule, 'one', 'what tells callers apart is enforced');
});

test('a ban goes on while it lasts, whoever asks with its key, and says for how long', async () => {
  const { hooks, ask, clock } = await policy({ one: each(['address'], { ban: { after: 2, for_s: 600 } }) });
  for (let i = 0; i < 4; i += 1) await admit(hooks, ask());
  clock.pass(60_000);
  const error = await admit(hooks, ask());
  assert.deepEqual([error?.code, error?.retryAfterS], ['BANNED', 540]);
});

test('explain says what a limit would do, and takes nothing', async () => {
  const {
    explain,
    hooks: { onRequest },
    ask,
  } = await policy({
    all: each(['address']),
    posts: each(['address'], { methods: ['GET'] }),
    form: each(['form:a']),
  });
  await admit({ onRequest: onRequest! }, ask());
  for (let i = 0; i < 3; i += 1)
    assert.deepEqual(explain(ask()), [
      'all: 2 in 60 s, burst 2, requests, by address; 203.0.113.7: 1 left',
      'posts: 2 in 60 s, burst 2, requests, by address; not counted: only GET',
      'form: 2 in 60 s, burst 2, requests, by form:a; its key is in the body',
    ]);
});

// The story that limits are for: somebody guesses at the password of somebody else, from one address, from one network,
// from a thousand addresses. With nothing but the preset: how many guesses reach ZITADEL, and is its user locked out?

import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { test } from 'node:test';
import { USERS } from '../../src/demo/state.ts';
import { startStage } from './stage.ts';

const ATTEMPTS = 10_000;
/** `session-account` of the preset: ten at once, then 20 in 300 s. */
const BURST = 10;
const A_SECOND = 20 / 300;

const [, USER] = USERS;
const NAME = USER!.loginName;

/** A stage of its own for each story; the load balancer in front is this machine, and says who the client is. */
async function started() {
  const stage = await startStage({ config: { trusted_proxies: ['127.0.0.1'] } });
  const client = http2.connect(stage.gateway.clearUrl);

  /** Checks a password by REST, from an address; gives the status. */
  function check(password: string, address: string): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const stream = client.request({
      ':method': 'POST',
      ':path': '/v2/sessions',
      'content-type': 'application/json',
      authorization: 'Bearer token',
      'x-forwarded-for': address,
    });
    stream.on('response', (headers) => resolve(headers[':status'] ?? 0));
    stream.on('error', reject);
    stream.resume();
    stream.end(JSON.stringify({ checks: { user: { loginName: NAME }, password: { password } } }));
    return promise;
  }

  return {
    check,
    reached: () => stage.standIn.wrongAttempts.get(NAME) ?? 0,
    /** So many guesses, a hundred at a time; gives how many there were of each status. */
    async guess(from: (attempt: number) => string): Promise<Map<number, number>> {
      const seen = new Map<number, number>();
      for (let at = 0; at < ATTEMPTS; at += 100) {
        const guesses = Array.from({ length: 100 }, (_, i) => check(`guess-${at + i}`, from(at + i)));
        for (const status of await Promise.all(guesses)) seen.set(status, (seen.get(status) ?? 0) + 1);
      }
      return seen;
    },
    async [Symbol.asyncDispose]() {
      client.close();
      await stage[Symbol.asyncDispose]();
    },
  };
}

/** What the preset lets through in a time. */
const bound = (ms: number, burst: number): number => burst + Math.ceil((ms / 1000) * A_SECOND);

for (const [title, from] of [
  ['from one address', () => '198.51.100.7'],
  [
    'from one /64 of IPv6, a new address for each guess',
    (i: number) => `2001:db8:bad:1:${(i % 65_536).toString(16)}::1`,
  ],
  ['from 1,000 addresses', (i: number) => `198.18.${(i >> 8) & 3}.${i & 255}`],
] as const) {
  test(`${ATTEMPTS} guesses at one account ${title}: no more reach ZITADEL than the limit of the account lets`, async (t) => {
    await using story = await started();
    const begun = performance.now();
    const seen = await story.guess(from);
    const most = bound(performance.now() - begun, BURST);
    t.diagnostic(`${story.reached()} of ${ATTEMPTS} reached ZITADEL (bound ${most}), ${seen.get(429)} were refused`);
    assert.ok(story.reached() >= 1 && story.reached() <= most, `${story.reached()} reached it, ${most} may`);
    assert.ok((seen.get(429) ?? 0) >= ATTEMPTS - most);
  });
}

test('the user whose account is guessed at gets in from where they got in before; a new device waits', async () => {
  await using story = await started();
  const home = '203.0.113.20';
  assert.equal(await story.check(USER!.password, home), 201, 'before the attack');
  await story.guess((i) => `198.19.${(i >> 8) & 3}.${i & 255}`);
  assert.equal(await story.check(USER!.password, home), 201, 'during the attack');
  assert.equal(await story.check(USER!.password, '203.0.113.99'), 429, 'from a place never seen');
});

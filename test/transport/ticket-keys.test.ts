// Keys of TLS tickets: one for each period, made from a secret that replicas share.
// Harm: replicas that change their keys at different times make clients shake hands again and again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TicketKeys, ticketKey, ticketSecret } from '../../src/transport/ticket-keys.ts';
import { HandClock } from '../support/hand-clock.ts';

const HOUR = 3_600_000;
const SECRET = Buffer.from('KgP3zN0jX8yYy7Gv5dJQm1bq2Yw4tVhT6cR9sLfE0uA=');

test('a key has 48 bytes, the same for the same secret and period, another for any other', () => {
  const period = fc.nat();
  const secret = fc.uint8Array({ minLength: 32, maxLength: 64 });
  fc.assert(
    fc.property(secret, period, fc.integer({ min: 1, max: 1000 }), (one, at, further) => {
      const key = ticketKey(one, at, HOUR);
      assert.equal(key.length, 48);
      assert.deepEqual(ticketKey(one, at, HOUR), key);
      assert.notDeepEqual(ticketKey(one, at + further, HOUR), key);
      assert.notDeepEqual(ticketKey(one, at, HOUR + further), key);
    }),
  );
});

test('the key changes at the end of a period, which is the same moment for all', () => {
  const clock = new HandClock(); // begins at midnight
  clock.pass(HOUR / 4);
  const keys: Buffer[] = [];
  const late: Buffer[] = [];
  using first = new TicketKeys({ clock, rotateMs: HOUR, secret: SECRET, onKey: (key) => keys.push(key) });
  clock.pass(HOUR / 4);
  using second = new TicketKeys({ clock, rotateMs: HOUR, secret: SECRET, onKey: (key) => late.push(key) });
  assert.deepEqual(first.current, second.current);
  clock.pass(HOUR / 2 - 1);
  assert.equal(keys.length, 0);
  clock.pass(1);
  assert.equal(keys.length, 1);
  clock.pass(HOUR);
  assert.equal(keys.length, 2);
  assert.deepEqual(keys, late);
  assert.notDeepEqual(keys[0], keys[1]);
  assert.deepEqual(first.current, keys[1]);
});

test('without a secret keys are random, and change as well', () => {
  const clock = new HandClock();
  const keys: Buffer[] = [];
  using one = new TicketKeys({ clock, rotateMs: HOUR, onKey: (key) => keys.push(key) });
  using other = new TicketKeys({ clock, rotateMs: HOUR, onKey() {} });
  assert.notDeepEqual(one.current, other.current);
  clock.pass(HOUR);
  assert.equal(keys.length, 1);
});

test('another secret counts at once', () => {
  const keys: Buffer[] = [];
  using one = new TicketKeys({
    clock: new HandClock(),
    rotateMs: HOUR,
    secret: SECRET,
    onKey: (key) => keys.push(key),
  });
  const before = one.current;
  one.useSecret(Buffer.from(SECRET).reverse());
  assert.notDeepEqual(one.current, before);
  assert.deepEqual(keys, [one.current]);
});

test('when it is over no key comes any more', () => {
  const clock = new HandClock();
  const keys: Buffer[] = [];
  new TicketKeys({ clock, rotateMs: HOUR, onKey: (key) => keys.push(key) })[Symbol.dispose]();
  clock.pass(3 * HOUR);
  assert.equal(keys.length, 0);
});

test('a secret is random and has 32 bytes or more; the end of its line does not count', () => {
  assert.deepEqual(ticketSecret(Buffer.concat([SECRET, Buffer.from('\n')]), 'k'), SECRET);
  assert.throws(
    () => ticketSecret(Buffer.from('short'), '/etc/k'),
    /^Error: \/etc\/k: has 5 bytes, expected 32 to 4096/,
  );
  assert.throws(() => ticketSecret(Buffer.alloc(48, 1), '/etc/k'), /^Error: \/etc\/k: is not random/);
  assert.throws(() => ticketSecret(Buffer.alloc(5000, 1), '/etc/k'), /has 5000 bytes/);
});

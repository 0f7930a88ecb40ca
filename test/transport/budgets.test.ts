// The budget of one connection: a rate with ten seconds' worth at once, for each thing a hostile peer can spend.
// Harm: without it a client makes the gateway work a thousand times for what costs it one frame (CVE-2023-44487).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type AddressAccount,
  ConnectionBudget,
  type ConnectionRates,
  type Spending,
} from '../../src/transport/budgets.ts';
import { HandClock } from '../support/hand-clock.ts';

const RATES: ConnectionRates = { resets: 3, malformed: 2, header_bytes: 1000 };

/** An account that remembers what was charged, and lets everything through until told otherwise. */
function account(refuse: Spending[] = []) {
  const charged: [Spending, number][] = [];
  let exceeded = 0;
  let closed = 0;
  const it: AddressAccount = {
    spend(what, cost) {
      charged.push([what, cost]);
      return refuse.includes(what) ? { reason: 'address', limit: `limits.per_address.${what}_per_s` } : undefined;
    },
    handshakeFailed() {},
    exceeded: () => {
      exceeded += 1;
    },
    [Symbol.dispose]: () => {
      closed += 1;
    },
  };
  return {
    it,
    charged,
    get exceeded() {
      return exceeded;
    },
    get closed() {
      return closed;
    },
  };
}

for (const what of ['resets', 'malformed'] as const) {
  test(`${what}: ten seconds' worth at once, then none; a second later as many as the rate says`, () => {
    const clock = new HandClock();
    const budget = new ConnectionBudget(RATES, undefined, () => clock.now());
    const most = RATES[what] * 10;
    for (let i = 0; i < most; i += 1) assert.equal(budget.spend(what), undefined, `number ${i + 1}`);
    clock.pass(1000);
    for (let i = 0; i < RATES[what]; i += 1) assert.equal(budget.spend(what), undefined);
    assert.equal(budget.spend(what)?.limit, `limits.per_connection.${what}_per_s`);
  });
}

test('a rate of 0 is no limit', () => {
  const budget = new ConnectionBudget({ resets: 0, malformed: 0, header_bytes: 0 }, undefined, () => 0);
  for (let i = 0; i < 10_000; i += 1) assert.equal(budget.spend('resets'), undefined);
});

test('never more than the burst and the rate times the time are let through, whatever the rhythm', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ wait: fc.integer({ min: 0, max: 3000 }), times: fc.integer({ min: 1, max: 40 }) }), {
        maxLength: 40,
      }),
      (steps) => {
        const clock = new HandClock();
        const budget = new ConnectionBudget(RATES, undefined, () => clock.now());
        let let_through = 0;
        for (const { wait, times } of steps) {
          clock.pass(wait);
          for (let i = 0; i < times; i += 1) {
            if (budget.spend('resets') !== undefined) return;
            let_through += 1;
          }
          assert.ok(let_through <= RATES.resets * 10 + (RATES.resets * clock.now()) / 1000 + 1e-6);
        }
      },
    ),
  );
});

test('what a connection spends its address spends too, and the address may be refused first', () => {
  const paying = account(['resets']);
  const budget = new ConnectionBudget(RATES, paying.it, () => 0);
  assert.equal(budget.spend('malformed'), undefined);
  assert.equal(budget.spend('resets')?.limit, 'limits.per_address.resets_per_s');
  assert.deepEqual(paying.charged, [
    ['malformed', 1],
    ['resets', 1],
  ]);
});

test('a connection over its budget is told to the account of its address, for a ban', () => {
  const paying = account();
  const budget = new ConnectionBudget(RATES, paying.it, () => 0);
  for (let i = 0; i < 21; i += 1) budget.spend('malformed');
  assert.equal(paying.exceeded, 1);
});

test('header bytes are charged to the address in pieces, and the rest when the connection closes', () => {
  const paying = account();
  const budget = new ConnectionBudget({ ...RATES, header_bytes: 1_000_000 }, paying.it, () => 0);
  for (let i = 0; i < 70; i += 1) assert.equal(budget.request({ headerBytes: 1000 }), undefined);
  budget.close();
  assert.equal(paying.charged.length, 2);
  assert.equal(
    paying.charged.reduce((sum, [, cost]) => sum + cost, 0),
    70_000,
  );
  assert.equal(paying.closed, 1);
});

test('a request costs its header, and one more where it is faulty', () => {
  const budget = new ConnectionBudget(RATES, undefined, () => 0);
  assert.equal(budget.request({ headerBytes: 9_999 }), undefined);
  assert.equal(budget.request({ headerBytes: 2 })?.limit, 'limits.per_connection.header_bytes_per_s');
  const faulty = new ConnectionBudget(RATES, undefined, () => 0);
  for (let i = 0; i < 20; i += 1) assert.equal(faulty.request({ headerBytes: 1, fault: 'BAD_PATH' }), undefined);
  assert.equal(faulty.request({ headerBytes: 1, fault: 'BAD_PATH' })?.reason, 'too many malformed requests');
});

/** What the budgets of connections cost: a connection is opened and closed, and requests are charged. */

import assert from 'node:assert/strict';
import { limiter } from '../../src/config/schema/limiter.ts';
import { limits } from '../../src/config/schema/limits.ts';
import { systemClock } from '../../src/core/clock.ts';
import { SharedAddressBudgets } from '../../src/gateway/address-budgets.ts';
import { ConnectionBudget } from '../../src/transport/budgets.ts';
import { type Case, measured } from './case.ts';

const config = {
  // Switched on, and far above what is asked for here.
  limits: limits.parse({ ban_s: 60, per_address: { connections_per_s: 2_000_000_000 } }),
  limiter: limiter.parse({}),
  trusted_proxies: ['10.0.0.0/8', '2001:db8:1::/48'],
};
const budgets = new SharedAddressBudgets({ config: () => config, clock: systemClock, onReported() {} });
const budget = new ConnectionBudget({ resets: 30, malformed: 10, header_bytes: 2_000_000_000 }, undefined);

export const cases: readonly Case[] = [
  ...['192.0.2.1', '2001:db8::1'].map((address) =>
    measured(
      `a connection from ${address}`,
      () => {
        const account = budgets.open(address, { tls: true });
        if (account === 'exempt' || 'reason' in account) return account;
        account[Symbol.dispose]();
        return 'admitted';
      },
      (outcome) => assert.equal(outcome, 'admitted'),
    ),
  ),
  measured(
    'a request',
    () => budget.request({ headerBytes: 500 }),
    (exceeded) => assert.equal(exceeded, undefined),
  ),
];

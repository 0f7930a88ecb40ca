/**
 * What the budgets of connections cost: `node bench/micro/budgets.ts`. A connection is opened and closed, and requests are
 * charged; nanoseconds each, medians of rounds.
 */

import { limiter } from '../../src/config/schema/limiter.ts';
import { limits } from '../../src/config/schema/limits.ts';
import { systemClock } from '../../src/core/clock.ts';
import { SharedAddressBudgets } from '../../src/gateway/address-budgets.ts';
import { ConnectionBudget } from '../../src/transport/budgets.ts';

const ROUNDS = 7;
const OFTEN = 100_000;

const config = {
  // Switched on, and far above what is asked for here.
  limits: limits.parse({ ban_s: 60, per_address: { connections_per_s: 2_000_000_000 } }),
  limiter: limiter.parse({}),
  trusted_proxies: ['10.0.0.0/8', '2001:db8:1::/48'],
};
const budgets = new SharedAddressBudgets({ config: () => config, clock: systemClock, onReported() {} });
const RATES = { resets: 30, malformed: 10, header_bytes: 2_000_000_000 };

function median(work: () => void): number {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const started = process.hrtime.bigint();
    for (let i = 0; i < OFTEN; i += 1) work();
    times.push(Number(process.hrtime.bigint() - started) / OFTEN);
  }
  return times.sort((a, b) => a - b)[ROUNDS >> 1]!;
}

for (const address of ['192.0.2.1', '2001:db8::1']) {
  const each = median(() => {
    const account = budgets.open(address, { tls: true });
    if (account !== 'exempt' && !('reason' in account)) account[Symbol.dispose]();
  });
  process.stdout.write(`a connection from ${address}: ${each.toFixed(0)} ns\n`);
}
const budget = new ConnectionBudget(RATES, undefined);
process.stdout.write(`a request: ${median(() => budget.request({ headerBytes: 500 })).toFixed(0)} ns\n`);

// What one address may do over all its connections. IPv4 counts whole, IPv6 by its network.
// Harm: an attacker opens one connection for each budget; or has one address free itself by asking from many others.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { z } from 'zod';
import { limiter } from '../../src/config/schema/limiter.ts';
import { limits } from '../../src/config/schema/limits.ts';
import { type AddressConfig, SharedAddressBudgets } from '../../src/gateway/address-budgets.ts';
import type { AddressAccount } from '../../src/transport/budgets.ts';
import { HandClock } from '../support/hand-clock.ts';

interface Given {
  readonly limits?: z.input<typeof limits>;
  readonly trusted?: string[];
  readonly peers?: 'shadow' | 'enforce';
}

function started({ limits: given = {}, trusted = [], peers = 'shadow' }: Given = {}) {
  const clock = new HandClock();
  clock.pass(1000);
  const reported: string[] = [];
  let config: AddressConfig = {
    limits: limits.parse(given),
    limiter: limiter.parse({ untrusted_private_peers: peers }),
    trusted_proxies: trusted,
  };
  const budgets = new SharedAddressBudgets({
    config: () => config,
    clock,
    onReported: (limit) => reported.push(limit),
  });
  const open = (address: string, tls = false) => budgets.open(address, { tls });
  return {
    budgets,
    clock,
    reported,
    open,
    /** `undefined` where a connection may stay, else the key that it was refused by; it is closed again at once. */
    refusal(address: string, tls = false): string | undefined {
      const got = open(address, tls);
      if (got === 'exempt') return undefined;
      if ('reason' in got) return got.limit;
      got[Symbol.dispose]();
      return undefined;
    },
    account(address: string, tls = false): AddressAccount {
      const got = open(address, tls);
      assert.ok(got !== 'exempt' && !('reason' in got), JSON.stringify(got));
      return got;
    },
    trust(list: string[]) {
      config = { ...config, trusted_proxies: list };
    },
  };
}

/** An attacker, another address of the same client, and somebody else. */
const FAMILIES = [
  ['IPv4', '192.0.2.1', '192.0.2.1', '192.0.2.2', '10.1.2.3'],
  ['IPv6', '2001:db8::1', '2001:db8::ffff:2', '2001:db8:0:1::1', 'fd00::1'],
] as const;

for (const [family, attacker, same, other, privatePeer] of FAMILIES) {
  test(`${family}: connection flood: ten seconds' worth of connections at once, then they are refused; others come in`, () => {
    const { refusal, clock } = started({ limits: { per_address: { connections_per_s: 5 } } });
    for (let i = 0; i < 50; i += 1) assert.equal(refusal(attacker), undefined);
    assert.equal(refusal(same), 'limits.per_address.connections_per_s');
    assert.equal(refusal(other), undefined);
    clock.pass(1000);
    for (let i = 0; i < 5; i += 1) assert.equal(refusal(attacker), undefined);
    assert.equal(refusal(attacker), 'limits.per_address.connections_per_s');
  });

  test(`${family}: connection flood: so many are open at once and no more; a closed one makes room`, () => {
    const { account, refusal } = started({ limits: { per_address: { open_connections: 2 } } });
    const first = account(attacker);
    account(same);
    assert.equal(refusal(attacker), 'limits.per_address.open_connections');
    assert.equal(refusal(other), undefined);
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    account(attacker);
    assert.equal(refusal(attacker), 'limits.per_address.open_connections');
  });

  test(`${family}: handshake flood: after too many that failed no new one begins, cleartext is left alone`, () => {
    const { account, refusal, clock } = started({ limits: { per_address: { failed_handshakes_per_s: 1 } } });
    for (let i = 0; i < 10; i += 1) account(attacker, true).handshakeFailed();
    assert.equal(refusal(attacker, true), 'limits.per_address.failed_handshakes_per_s');
    assert.equal(refusal(attacker, false), undefined);
    assert.equal(refusal(other, true), undefined);
    clock.pass(1000);
    assert.equal(refusal(attacker, true), undefined);
  });

  test(`${family}: rapid reset over many connections is counted together`, () => {
    const { account } = started({ limits: { per_address: { resets_per_s: 2 } } });
    for (let i = 0; i < 20; i += 1) assert.equal(account(attacker).spend('resets', 1), undefined);
    assert.equal(account(same).spend('resets', 1)?.limit, 'limits.per_address.resets_per_s');
    assert.equal(account(other).spend('resets', 1), undefined);
  });

  test(`${family}: no ban unless it is configured; with ban_s nothing comes in until it is over`, () => {
    for (const ban_s of [0, 60]) {
      const { account, refusal, clock } = started({ limits: { ban_s, per_address: { malformed_per_s: 1 } } });
      const peer = account(attacker);
      for (let i = 0; i < 11; i += 1) peer.spend('malformed', 1);
      assert.equal(refusal(same), ban_s === 0 ? undefined : 'limits.ban_s');
      assert.equal(refusal(other), undefined);
      clock.pass(59_999);
      assert.equal(refusal(attacker), ban_s === 0 ? undefined : 'limits.ban_s');
      clock.pass(2);
      assert.equal(refusal(attacker), undefined);
    }
  });

  test(`${family}: each further ban lasts twice as long, up to an hour; connections that are open make none of it longer`, () => {
    const { budgets, account, clock } = started({ limits: { ban_s: 600 } });
    // Between the fourth and the fifth one is forgotten.
    for (const [seconds, strike] of [
      [600, 1],
      [1200, 2],
      [2400, 3],
      [3600, 4],
      [3600, 4],
    ] as const) {
      const [peer, another] = [account(attacker), account(same)];
      peer.exceeded('limits.per_connection.resets_per_s');
      another.exceeded('limits.per_connection.malformed_per_s');
      assert.deepEqual(
        budgets.bans().map(({ id: _, key, ...rest }) => rest),
        [{ rule: 'limits.per_connection.resets_per_s', leftMs: seconds * 1000, strike }],
      );
      clock.pass(seconds * 1000);
      assert.deepEqual(budgets.bans(), []);
    }
    clock.pass(7_200_000 * 5);
    account(attacker).exceeded('limits.per_connection.resets_per_s');
    assert.equal(budgets.bans()[0]!.strike, 1, 'a long time later nothing is remembered');
  });

  test(`${family}: a ban is listed with an id, by which it is lifted, and with it that there was one`, () => {
    const { budgets, account, refusal } = started({ limits: { ban_s: 600 } });
    for (let i = 0; i < 2; i += 1) {
      account(attacker).exceeded('limits.per_connection.resets_per_s');
      assert.equal(refusal(same), 'limits.ban_s');
      const [ban] = budgets.bans();
      assert.match(ban!.key, family === 'IPv4' ? /^192\.0\.2\.1$/ : /^2001:db8:/);
      assert.equal(ban!.strike, 1);
      assert.equal(budgets.liftBan('no such id'), false);
      assert.equal(budgets.liftBan(ban!.id), true);
      assert.equal(budgets.liftBan(ban!.id), false);
      assert.equal(refusal(same), undefined);
      assert.deepEqual(budgets.bans(), []);
    }
  });

  test(`${family}: a banned address stays banned, and a blocked one blocked, while 100,000 others come`, () => {
    const { account, refusal } = started({
      limits: { ban_s: 3600, per_address: { malformed_per_s: 1, connections_per_s: 1 } },
    });
    account(attacker).exceeded('limits.per_connection.resets_per_s');
    for (let i = 0; i < 11; i += 1) refusal(other);
    for (let i = 0; i < 100_000; i += 1) {
      refusal(family === 'IPv4' ? `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}` : `2001:db8:${i.toString(16)}::1`);
    }
    assert.equal(refusal(attacker), 'limits.ban_s');
    assert.ok(refusal(other) !== undefined);
  });

  test(`${family}: a trusted proxy is exempt, also one that a reload has listed`, () => {
    const { open, trust } = started({ limits: { per_address: { open_connections: 1 } }, trusted: [privatePeer] });
    for (let i = 0; i < 5; i += 1) assert.equal(open(privatePeer), 'exempt');
    assert.notEqual(open(attacker), 'exempt');
    trust([attacker]);
    assert.equal(open(attacker), 'exempt');
    assert.notEqual(open(privatePeer), 'exempt');
  });

  test(`${family}: a private peer that nobody listed is only reported, unless it is to be enforced`, () => {
    const given = { limits: { ban_s: 60, per_address: { connections_per_s: 1, resets_per_s: 1 } } };
    const shadow = started(given);
    for (let i = 0; i < 10; i += 1) assert.equal(shadow.refusal(privatePeer), undefined);
    const peer = shadow.account(privatePeer);
    for (let i = 0; i < 12; i += 1) assert.equal(peer.spend('resets', 1), undefined);
    assert.ok(shadow.reported.includes('limits.per_address.connections_per_s'));
    assert.ok(shadow.reported.includes('limits.per_address.resets_per_s'));
    for (const enforced of [started({ ...given, peers: 'enforce' }), started({ ...given, trusted: ['203.0.113.1'] })]) {
      for (let i = 0; i < 10; i += 1) assert.equal(enforced.refusal(privatePeer), undefined);
      assert.equal(enforced.refusal(privatePeer), 'limits.per_address.connections_per_s');
    }
  });
}

test('0 switches a budget off', () => {
  const off = { connections_per_s: 0, open_connections: 0, resets_per_s: 0, failed_handshakes_per_s: 0 };
  const { account } = started({ limits: { per_address: off } });
  for (let i = 0; i < 5000; i += 1) {
    const peer = account('192.0.2.1', true);
    peer.handshakeFailed();
    assert.equal(peer.spend('resets', 1), undefined);
  }
});

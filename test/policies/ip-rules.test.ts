import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Connection } from '../../src/core/raw.ts';
import { ConfiguredNetworks } from '../../src/networks/named-networks.ts';
import { compileIpRules, ipRules, ipRulesOptions } from '../../src/policies/ip-rules.ts';
import { HandClock } from '../support/hand-clock.ts';
import { contextOf, enter, exchangeOf } from './asked.ts';

const clock = new HandClock();
const networks = new ConfiguredNetworks(
  { office: { addresses: ['203.0.113.0/24', '2001:db8:1::/48'] }, scanners: { addresses: ['203.0.113.66'] } },
  clock,
  { onReloaded() {}, onFailed() {} },
);
const asked = (rules: { allow?: string[]; deny?: string[] }) => {
  const mayCome = compileIpRules(ipRulesOptions.parse(rules), networks);
  return (address: string): boolean => mayCome(address, {} as Connection);
};

test('without `allow` everybody may come whom `deny` does not name', () => {
  const mayCome = asked({ deny: ['198.51.100.0/24', '2001:db8:bad::/48'] });
  assert.deepEqual(['198.51.100.7', '2001:db8:bad::1', '192.0.2.1', '2001:db8::1'].map(mayCome), [
    false,
    false,
    true,
    true,
  ]);
});

test('with `allow` nobody else may come', () => {
  const mayCome = asked({ allow: ['10.0.0.0/8', 'fd00::/8'] });
  assert.deepEqual(['10.1.1.1', 'fd00::1', '192.0.2.1', '2001:db8::1'].map(mayCome), [true, true, false, false]);
});

test('the longest prefix decides, whichever list it is in; of two equal ones `deny`', () => {
  const mayCome = asked({ allow: ['10.0.0.0/8', '10.1.2.3', 'fd00::/8'], deny: ['10.1.0.0/16', 'fd00::/8'] });
  assert.deepEqual(['10.9.9.9', '10.1.9.9', '10.1.2.3', 'fd00::1'].map(mayCome), [true, false, true, false]);
});

for (const [family, most, network] of [
  ['IPv4', 32, (base: number, prefix: number) => `10.0.0.${base}/${prefix}`],
  ['IPv6', 128, (base: number, prefix: number) => `2001:db8::${base.toString(16)}/${prefix}`],
] as const) {
  test(`for any rules of ${family} the verdict is what the networks say one by one`, () => {
    const entries = fc.array(fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: most - 8, max: most })), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(entries, entries, fc.integer({ min: 0, max: 255 }), (allow, deny, asking) => {
        const longest = (list: readonly (readonly [number, number])[]): number =>
          list
            .filter(([base, prefix]) => base >> (most - prefix) === asking >> (most - prefix))
            .reduce((most, [, prefix]) => Math.max(most, prefix), -1);
        const [forIt, against] = [longest(allow), longest(deny)];
        const expected = forIt === -1 && against === -1 ? allow.length === 0 : forIt > against;
        const texts = (list: readonly (readonly [number, number])[]) => list.map((one) => network(...one));
        const address = network(asking, most).replace('::0/', '::/').replace(/\/.*/, '');
        const mayCome = asked({ allow: texts(allow), deny: texts(deny) });
        assert.equal(mayCome(address), expected);
      }),
    );
  });
}

test('an allow list whose file is empty lets nobody in: it is there, and names nobody', () => {
  const none = new ConfiguredNetworks({ none: { addresses: [] } }, clock, { onReloaded() {}, onFailed() {} });
  const mayCome = compileIpRules(ipRulesOptions.parse({ allow: ['@none'] }), none);
  assert.deepEqual([mayCome('192.0.2.1', {} as Connection), mayCome('::1', {} as Connection)], [false, false]);
});

test('a verdict is void when a list was read again, on the same connection too', () => {
  let longest = -1;
  const changing = { version: 0, get: () => ({ size: 1, longest: () => longest }) };
  const mayCome = compileIpRules(ipRulesOptions.parse({ deny: ['@bad'] }), changing);
  const connection = {} as Connection;
  assert.equal(mayCome('192.0.2.1', connection), true);
  longest = 32;
  changing.version += 1;
  assert.equal(mayCome('192.0.2.1', connection), false);
});

test('a named list stands for its addresses', () => {
  const mayCome = asked({ allow: ['@office'], deny: ['@scanners'] });
  assert.deepEqual(['203.0.113.1', '203.0.113.66', '2001:db8:1::9', '192.0.2.1'].map(mayCome), [
    true,
    false,
    true,
    false,
  ]);
});

test('the verdict is remembered for a connection, and not for another address on it', () => {
  const mayCome = compileIpRules(ipRulesOptions.parse({ deny: ['192.0.2.1'] }), networks);
  const connection = {} as Connection;
  assert.deepEqual(
    [mayCome('192.0.2.2', connection), mayCome('192.0.2.1', connection), mayCome('192.0.2.2', connection)],
    [true, false, true],
  );
});

test('a refused address is told which rule it was, and the rule is announced', () => {
  const context = contextOf(clock, { networks });
  const announced: unknown[] = [];
  context.events.on('refused', (event) => announced.push(event));
  const hooks = ipRules.hooks(ipRulesOptions.parse({ deny: ['203.0.113.0/24'] }), context);
  const error = enter(hooks, exchangeOf(clock, {})) as { code?: string; rule?: string };
  assert.deepEqual([error.code, error.rule], ['ADDRESS_REFUSED', 'ip_rules']);
  assert.deepEqual(announced, [{ policy: 'ip_rules', rule: 'ip_rules', route: 'test', enforced: true }]);
});

test('`enforce: false` lets it come and says that it would not have', () => {
  const context = contextOf(clock, { networks });
  const hooks = ipRules.hooks(ipRulesOptions.parse({ deny: ['203.0.113.0/24'], enforce: false }), context);
  const exchange = exchangeOf(clock, {});
  assert.equal(enter(hooks, exchange), undefined);
  assert.deepEqual(exchange.record.reported, ['ip_rules']);
});

test('what is no network and no list is refused when the config is read', () => {
  for (const text of ['10.0.0.0/33', 'office', '@', '@a b', '::ffff:10.0.0.1', '10.0.0.1-10.0.0.9'])
    assert.equal(ipRulesOptions.safeParse({ allow: [text] }).success, false, text);
});

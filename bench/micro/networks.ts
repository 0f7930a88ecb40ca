/**
 * What rules by address cost: `node bench/micro/networks.ts`. Lists of 100,000 networks are read and compiled, then asked
 * with addresses as text. Many lengths are the worst case for tables that try one after the other; this one does not.
 */

import { parseList } from '../../src/networks/list-file.ts';
import { PrefixTable } from '../../src/networks/prefix-table.ts';

const NETWORKS = 100_000;
const LOOKUPS = 500_000;
const ROUNDS = 5;

const hex = (value: number): string => value.toString(16);
const ipv4 = (i: number): string => `${(i >> 16) + 1}.${(i >> 8) & 255}.${i & 255}.0`;
const ipv6 = (i: number): string => `2001:db8:${hex(i & 0xffff)}:${hex(i >> 16)}::`;
const LISTS: readonly (readonly [string, (i: number) => string, (i: number) => string])[] = [
  ['IPv4, all /24', (i) => `${ipv4(i)}/24`, (i) => `${(i & 1) + 1}.${(i >> 4) & 255}.${i & 255}.9`],
  ['IPv4, 17 lengths', (i) => `${ipv4(i)}/${16 + (i % 17)}`, (i) => `${(i & 1) + 1}.${(i >> 4) & 255}.${i & 255}.9`],
  ['IPv6, all /48', (i) => `2001:${hex(i >> 16)}:${hex(i & 0xffff)}::/48`, (i) => `2001:0:${hex(i & 0xffff)}::7`],
  ['IPv6, 100 lengths', (i) => `${ipv6(i)}/${29 + (i % 100)}`, (i) => `2001:db8:${hex(i & 0xffff)}:1:9abc:def0:1234:7`],
];

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!;

for (const [name, network, address] of LISTS) {
  const text = Array.from({ length: NETWORKS }, (_, i) => network(i)).join('\n');
  const begun = performance.now();
  const table = new PrefixTable(parseList(text, 'list.txt'));
  const loaded = performance.now() - begun;
  // Texts of their own: one text again and again would stay in the caches with its range.
  const asked = Array.from({ length: 4096 }, (_, i) => address(i * 16));
  let found = 0;
  const rounds: number[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const started = performance.now();
    for (let i = 0; i < LOOKUPS; i += 1) found += table.longest(asked[i & 4095]!) === -1 ? 0 : 1;
    if (round > 0) rounds.push(((performance.now() - started) / LOOKUPS) * 1e6);
  }
  const share = Math.round((found / (LOOKUPS * (ROUNDS + 1))) * 100);
  console.log(
    `${name}: loaded in ${loaded.toFixed(0)} ms, ${median(rounds).toFixed(0)} ns a look-up (${share} % are in it)`,
  );
}

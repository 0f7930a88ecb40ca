/**
 * What rules by address cost: lists of networks, asked with addresses as text. Many lengths are the worst case for tables
 * that try one after the other; this one does not.
 */

import assert from 'node:assert/strict';
import { Networks } from '../../src/core/networks.ts';
import { parseList } from '../../src/networks/list-file.ts';
import { PrefixTable } from '../../src/networks/prefix-table.ts';
import { type Case, inTurn, measured } from './case.ts';

const MOST = 100_000;
const ASKED = 4096;

const hex = (value: number): string => value.toString(16);
const ipv4 = (i: number): string => `${(i >> 16) + 1}.${(i >> 8) & 255}.${i & 255}.0`;
const ipv6 = (i: number): string => `2001:db8:${hex(i & 0xffff)}:${hex(i >> 16)}::`;

/** Networks by number, and an address in each. */
interface List {
  readonly network: (i: number) => string;
  readonly address: (i: number) => string;
}

const LISTS: Record<string, List> = {
  'IPv4, all /24': { network: (i) => `${ipv4(i)}/24`, address: (i) => `${ipv4(i).slice(0, -1)}9` },
  'IPv4, 17 lengths': { network: (i) => `${ipv4(i)}/${16 + (i % 17)}`, address: ipv4 },
  'IPv6, all /48': {
    network: (i) => `2001:${hex(i >> 16)}:${hex(i & 0xffff)}::/48`,
    address: (i) => `2001:${hex(i >> 16)}:${hex(i & 0xffff)}::7`,
  },
  'IPv6, 100 lengths': { network: (i) => `${ipv6(i)}/${29 + (i % 100)}`, address: ipv6 },
};

const textOf = ({ network }: List, count: number): string =>
  Array.from({ length: count }, (_, i) => network(i)).join('\n');

function lookUp(name: string, list: List, count: number, inIt = true): Case {
  const table = new PrefixTable(parseList(textOf(list, count), 'list.txt'));
  // Texts of their own: one text again and again would stay in the caches with its range.
  const asked = Array.from({ length: ASKED }, (_, i) =>
    inIt ? list.address(Math.floor((i * count) / ASKED)) : `250.${i >> 8}.${i & 255}.1`,
  ).map((address) => (address.includes(':') ? address.replace(/(:0)+::/, '::') : address));
  const next = inTurn(asked);
  return measured(
    name,
    () => table.longest(next()),
    (length) => assert.equal(length !== -1, inIt),
  );
}

const text = textOf(LISTS['IPv4, all /24']!, MOST);
const proxies = new Networks(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fd00::/8']);
const peer = inTurn(Array.from({ length: ASKED }, (_, i) => `10.0.${i >> 8}.${i & 255}`));

export const cases: readonly Case[] = [
  lookUp('1 network', LISTS['IPv4, all /24']!, 1),
  lookUp('1,000 networks', LISTS['IPv4, all /24']!, 1000),
  ...Object.entries(LISTS).map(([name, list]) => lookUp(`100,000 networks, ${name}`, list, MOST)),
  lookUp('100,000 networks, in none', LISTS['IPv4, all /24']!, MOST, false),
  measured(
    'trusted proxies, 4 networks',
    () => proxies.has(peer()),
    (has) => assert.equal(has, true),
  ),
  measured(
    '100,000 networks, read and compiled',
    () => new PrefixTable(parseList(text, 'list.txt')),
    (table) => assert.equal(table.size, MOST),
  ),
];

/** What it costs to tell who the client is: by its socket, and by what trusted proxies say. */

import assert from 'node:assert/strict';
import type { Fields } from '../../src/core/raw.ts';
import { type ClientAddressSource, clientAddresses } from '../../src/transport/client-address.ts';
import { type Case, measured } from './case.ts';
import { BROWSER_FIELDS, connectionFrom } from './requests.ts';

const PROXY = '10.0.0.1';
const CLIENT = '198.51.100.23';

function telling(from: ClientAddressSource['from'], peer: string, said: Fields): () => string {
  const addresses = clientAddresses({
    trustedProxies: ['10.0.0.0/8', '172.16.0.0/12', 'fd00::/8'],
    source: { from, ...(from === 'header' && { header: 'cf-connecting-ip' }) },
    listeners: new Map([['public', { internal: false, externalScheme: 'https' }]]),
    onUntrusted() {},
  });
  const connection = connectionFrom(peer);
  const fields = [...BROWSER_FIELDS, ...said];
  return () => addresses(connection, fields).address;
}

const is = (expected: string) => (address: string) => assert.equal(address, expected);

export const cases: readonly Case[] = [
  measured('its socket', telling('x-forwarded-for', CLIENT, []), is(CLIENT)),
  measured(
    'its socket, though it says otherwise',
    telling('x-forwarded-for', CLIENT, ['x-forwarded-for', '192.0.2.1']),
    is(CLIENT),
  ),
  measured(
    'X-Forwarded-For, one hop',
    telling('x-forwarded-for', PROXY, ['x-forwarded-for', CLIENT, 'x-forwarded-proto', 'https']),
    is(CLIENT),
  ),
  measured(
    'X-Forwarded-For, three hops',
    telling('x-forwarded-for', PROXY, ['x-forwarded-for', `192.0.2.1, ${CLIENT}, 10.1.2.3, 172.16.5.6`]),
    is(CLIENT),
  ),
  measured(
    'X-Forwarded-For, IPv6',
    telling('x-forwarded-for', PROXY, ['x-forwarded-for', '2001:db8:85a3:8d3:1319:8a2e:370:7344']),
    is('2001:db8:85a3:8d3:1319:8a2e:370:7344'),
  ),
  measured(
    'X-Forwarded-For, IPv6 with zeros',
    telling('x-forwarded-for', PROXY, ['x-forwarded-for', '2001:db8::8A2E:370:7344']),
    is('2001:db8::8a2e:370:7344'),
  ),
  measured(
    'Forwarded, one hop',
    telling('forwarded', PROXY, ['forwarded', `for=${CLIENT};proto=https;by=10.0.0.1`]),
    is(CLIENT),
  ),
  measured(
    'Forwarded, three hops',
    telling('forwarded', PROXY, ['forwarded', `for=192.0.2.1, for="${CLIENT}:4711";proto=https, for=10.1.2.3`]),
    is(CLIENT),
  ),
  measured('a header of a CDN', telling('header', PROXY, ['cf-connecting-ip', CLIENT]), is(CLIENT)),
];

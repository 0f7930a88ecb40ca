// What is asked of DNS and what becomes of the answers, against a real server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type NameQuestion, sourceOf } from '../../../src/upstream/discovery/index.ts';
import type { Found } from '../../../src/upstream/discovery/source.ts';
import { DnsServer } from '../../support/dns-server.ts';

const NAME = 'zitadel.test';

function source(dns: DnsServer, given: Partial<NameQuestion> = {}, maxEndpoints = 100, timeoutMs = 2000) {
  const question: NameQuestion = {
    ask: { dns: { name: NAME, port: 8080 } },
    addressFamily: 'any',
    lookup: 'dns',
    resolver: [dns.address],
    ...given,
  };
  const made = sourceOf(question, { timeoutMs, maxEndpoints });
  return { find: (signal = new AbortController().signal): Promise<Found> => made.find(signal) };
}

const addresses = ({ specs }: Found): string[] => specs.map(({ address }) => address).sort();
const srv = { ask: { srv: { name: `_http2._tcp.${NAME}` } } } as const;

test('every address of both families is an endpoint, and the lowest TTL counts', async () => {
  await using dns = await DnsServer.start();
  dns.set(NAME, 'A', { records: ['10.0.0.1', { value: '10.0.0.2', ttl: 7 }], ttl: 30 });
  dns.set(NAME, 'AAAA', ['fd00::1']);
  const found = await source(dns).find();
  assert.deepEqual(addresses(found), ['10.0.0.1:8080', '10.0.0.2:8080', '[fd00::1]:8080']);
  assert.equal(found.ttlMs, 7000);
  assert.equal(found.problem, undefined);
});

test('only the families that are wanted are asked for', async () => {
  await using dns = await DnsServer.start();
  dns.set(NAME, 'A', ['10.0.0.1']);
  dns.set(NAME, 'AAAA', ['fd00::1']);
  assert.deepEqual(addresses(await source(dns, { addressFamily: 'ipv4' }).find()), ['10.0.0.1:8080']);
  assert.deepEqual(addresses(await source(dns, { addressFamily: 'ipv6' }).find()), ['[fd00::1]:8080']);
  assert.deepEqual(
    dns.asked.map(({ type }) => type),
    ['A', 'AAAA'],
  );
});

test('a name with addresses of one family only is whole; a TTL of 0 is passed on as 0', async () => {
  await using dns = await DnsServer.start();
  dns.set(NAME, 'A', { records: ['10.0.0.1'], ttl: 0 });
  const found = await source(dns).find();
  assert.deepEqual(addresses(found), ['10.0.0.1:8080']);
  assert.deepEqual([found.ttlMs, found.problem], [0, undefined]);
});

test('a chain of CNAMEs is followed, and its shortest TTL counts', async () => {
  await using dns = await DnsServer.start();
  dns.set(NAME, 'A', {
    records: [
      { type: 'CNAME', value: 'b.test', ttl: 5 },
      { type: 'CNAME', name: 'b.test', value: 'c.test', ttl: 60 },
      { name: 'c.test', value: '10.0.0.9', ttl: 60 },
    ],
  });
  const found = await source(dns, { addressFamily: 'ipv4' }).find();
  assert.deepEqual(addresses(found), ['10.0.0.9:8080']);
  assert.equal(found.ttlMs, 5000);
});

for (const [what, answer, says] of [
  ['NXDOMAIN', { code: 'NXDOMAIN' }, /A zitadel\.test: there is no such name \(NXDOMAIN\)/],
  ['an empty answer', {}, /A zitadel\.test: the name has no such records/],
  ['SERVFAIL', { code: 'SERVFAIL' }, /A zitadel\.test: the server failed \(SERVFAIL\)/],
  ['REFUSED', { code: 'REFUSED' }, /A zitadel\.test: the server refused to answer/],
  ['silence', { how: 'never' }, /A zitadel\.test: no answer in time/],
  ['garbage', { how: 'garbage' }, /A zitadel\.test: /],
] as const) {
  test(`${what} finds nothing, and says so`, async () => {
    await using dns = await DnsServer.start();
    dns.set(NAME, 'A', answer);
    await assert.rejects(source(dns, { addressFamily: 'ipv4' }, 100, 300).find(), says);
  });
}

test('an answer that is cut, or too large for UDP, comes by TCP: a thousand records are a thousand endpoints', async () => {
  await using dns = await DnsServer.start();
  dns.set(NAME, 'A', { records: ['10.0.0.1'], how: 'cut' });
  const one = source(dns, { addressFamily: 'ipv4' });
  assert.deepEqual(addresses(await one.find()), ['10.0.0.1:8080']);
  dns.set(
    NAME,
    'A',
    Array.from({ length: 1000 }, (_, index) => `10.0.${index >> 8}.${index & 255}`),
  );
  assert.equal((await one.find()).specs.length, 1000);
  assert.deepEqual(
    dns.asked.map(({ by }) => by),
    ['udp', 'tcp', 'udp', 'tcp'],
  );
});

test('an answer with another id is not believed', async () => {
  await using dns = await DnsServer.start();
  dns.set(NAME, 'A', { records: ['10.0.0.1'], forged: '10.66.66.66' });
  assert.deepEqual(addresses(await source(dns, { addressFamily: 'ipv4' }).find()), ['10.0.0.1:8080']);
});

test('a family that cannot be asked for keeps what it had; one that is decidedly gone does not', async () => {
  await using dns = await DnsServer.start();
  dns.set(NAME, 'A', ['10.0.0.1']);
  dns.set(NAME, 'AAAA', ['fd00::1']);
  const one = source(dns);
  await one.find();
  dns.set(NAME, 'A', ['10.0.0.2']);
  dns.set(NAME, 'AAAA', { code: 'SERVFAIL' });
  const found = await one.find();
  assert.deepEqual(addresses(found), ['10.0.0.2:8080', '[fd00::1]:8080']);
  assert.match(found.problem!, /AAAA zitadel\.test: the server failed/);
  dns.set(NAME, 'AAAA', {});
  assert.deepEqual(addresses(await one.find()), ['10.0.0.2:8080']);
});

test('a look that is given up rejects, and leaves nothing open', async () => {
  await using dns = await DnsServer.start();
  dns.set(NAME, 'A', { how: 'never' });
  const controller = new AbortController();
  const found = source(dns, { addressFamily: 'ipv4' }, 100, 60_000).find(controller.signal);
  await dns.questions(NAME, 'A', 1);
  controller.abort();
  await assert.rejects(found, /no answer in time/);
});

test('SRV: targets with the lowest priority, each on its own port, with weights in proportion', async () => {
  await using dns = await DnsServer.start();
  dns.set(srv.ask.srv.name, 'SRV', ['10 60 8080 a.test', '10 20 8081 b.test', '20 10 8082 c.test']);
  dns.set('a.test', 'A', ['10.0.0.1']);
  dns.set('a.test', 'AAAA', ['fd00::1']);
  dns.set('b.test', 'A', ['10.0.0.2']);
  dns.set('c.test', 'A', ['10.0.0.3']);
  const found = await source(dns, srv).find();
  assert.deepEqual(
    found.specs.toSorted((a, b) => (a.address < b.address ? -1 : 1)),
    [
      { address: '10.0.0.1:8080', weight: 60 },
      { address: '10.0.0.2:8081', weight: 20 },
      { address: '[fd00::1]:8080', weight: 60 },
    ],
  );
});

test('SRV: the shortest TTL of the addresses counts, and is told as that of a part', async () => {
  await using dns = await DnsServer.start();
  dns.set(srv.ask.srv.name, 'SRV', { records: ['0 1 8080 a.test', '0 1 8080 b.test', '1 1 8080 c.test'], ttl: 1 });
  dns.set('a.test', 'A', { records: ['10.0.0.1'], ttl: 40 });
  dns.set('b.test', 'A', { records: ['10.0.0.2'], ttl: 9 });
  dns.set('b.test', 'AAAA', { records: ['fd00::2'], ttl: 7 });
  // It is not used, and not asked for.
  dns.set('c.test', 'A', { records: ['10.0.0.3'], ttl: 2 });
  const { ttlMs, ttlOfPart } = await source(dns, srv).find();
  assert.deepEqual({ ttlMs, ttlOfPart }, { ttlMs: 7000, ttlOfPart: true });
});

test('SRV: without an address that can be asked for, the interval alone counts', async () => {
  await using dns = await DnsServer.start();
  dns.set(srv.ask.srv.name, 'SRV', ['0 1 8080 a.test']);
  dns.set('a.test', 'A', ['10.0.0.1']);
  const one = source(dns, { ...srv, addressFamily: 'ipv4' });
  await one.find();
  dns.set('a.test', 'A', { code: 'SERVFAIL' });
  const found = await one.find();
  assert.deepEqual([addresses(found), found.ttlMs], [['10.0.0.1:8080'], undefined]);
});

test('SRV: a weight of 0 is a small chance beside others and an equal share among its like; large ones are scaled', async () => {
  await using dns = await DnsServer.start();
  const weights = async (...given: number[]): Promise<number[]> => {
    dns.set(
      srv.ask.srv.name,
      'SRV',
      given.map((weight, index) => `0 ${weight} ${8000 + index} a.test`),
    );
    const { specs } = await source(dns, srv).find();
    return specs.toSorted((a, b) => (a.address < b.address ? -1 : 1)).map(({ weight }) => weight);
  };
  dns.set('a.test', 'A', ['10.0.0.1']);
  assert.deepEqual(await weights(0, 0), [1, 1]);
  assert.deepEqual(await weights(0, 1), [1, 100]);
  assert.deepEqual(await weights(65_535, 32_768), [1000, 500]);
});

test('SRV: higher priorities are used where no target of a lower one has an address', async () => {
  await using dns = await DnsServer.start();
  dns.set(srv.ask.srv.name, 'SRV', ['1 1 8080 gone.test', '2 1 8081 b.test']);
  dns.set('b.test', 'A', ['10.0.0.2']);
  assert.deepEqual(addresses(await source(dns, srv).find()), ['10.0.0.2:8081']);
});

test('SRV: a target that cannot be asked for keeps its addresses; one that does not exist is left out', async () => {
  await using dns = await DnsServer.start();
  dns.set(srv.ask.srv.name, 'SRV', ['1 1 8080 a.test', '1 1 8080 b.test']);
  dns.set('a.test', 'A', ['10.0.0.1']);
  dns.set('b.test', 'A', ['10.0.0.2']);
  const one = source(dns, { ...srv, addressFamily: 'ipv4' });
  await one.find();
  dns.set('a.test', 'A', { code: 'SERVFAIL' });
  let found = await one.find();
  assert.deepEqual(addresses(found), ['10.0.0.1:8080', '10.0.0.2:8080']);
  assert.match(found.problem!, /A a\.test: the server failed/);
  dns.set('a.test', 'A', { code: 'NXDOMAIN' });
  found = await one.find();
  assert.deepEqual(addresses(found), ['10.0.0.2:8080']);
  assert.equal(found.problem, undefined);
});

test('SRV: a service that is decidedly not offered, or whose targets have no address, finds nothing', async () => {
  await using dns = await DnsServer.start();
  dns.set(srv.ask.srv.name, 'SRV', ['0 0 0 .']);
  await assert.rejects(source(dns, srv).find(), /the service is not offered/);
  dns.set(srv.ask.srv.name, 'SRV', ['0 0 80 gone.test']);
  await assert.rejects(source(dns, srv).find(), /no target has an address \(A gone\.test: there is no such name/);
});

test('SRV: no more targets are asked for than there may be endpoints', async () => {
  await using dns = await DnsServer.start();
  dns.set(
    srv.ask.srv.name,
    'SRV',
    Array.from({ length: 50 }, (_, index) => `0 1 ${8000 + index} t${index}.test`),
  );
  for (let index = 0; index < 50; index += 1) dns.set(`t${index}.test`, 'A', [`10.0.0.${index}`]);
  const found = await source(dns, { ...srv, addressFamily: 'ipv4' }, 3).find();
  assert.equal(found.specs.length, 3);
  assert.equal(dns.asked.filter(({ type }) => type === 'A').length, 3);
});

test('the system is asked for names that DNS does not have, without a TTL', async () => {
  await using dns = await DnsServer.start();
  const localhost = {
    ask: { dns: { name: 'localhost', port: 8080 } },
    lookup: 'system',
    addressFamily: 'ipv4',
  } as const;
  const found = await source(dns, { ...localhost, resolver: [] }).find();
  assert.deepEqual(addresses(found), ['127.0.0.1:8080']);
  assert.deepEqual([found.ttlMs, found.problem, dns.asked.length], [undefined, undefined, 0]);
});

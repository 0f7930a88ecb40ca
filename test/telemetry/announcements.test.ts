import assert from 'node:assert/strict';
import test from 'node:test';
import { Events } from '../../src/core/events.ts';
import { connectEvents } from '../../src/telemetry/announcements.ts';
import { keptLog } from './kept-lines.ts';

function setUp() {
  const kept = keptLog({ level: 'debug' });
  const events = new Events();
  connectEvents(kept.log, events);
  return { events, ...kept };
}

test('each announcement becomes its line', async () => {
  const { events, lines } = setUp();
  events.emit('connection_ended', { listener: 'public', reason: 'idle' });
  events.emit('session_opened', { upstream: 'z', endpoint: 'e', session: 1 });
  events.emit('session_closed', { upstream: 'z', endpoint: 'e', session: 1, reason: 'goaway' });
  events.emit('attempt_failed', { upstream: 'z', endpoint: 'e', code: 'CONNECT_FAILED', replayed: false });
  events.emit('untrusted_proxy', { peerAddress: '10.0.0.1', reason: 'private_peer', listener: 'public' });
  events.emit('hint', { topic: 't', host: 'h', found: 'f', expected: 'e', key: 'k' });
  events.emit('reloaded', { generation: 2, ms: 1 });
  events.emit('reload_failed', { problems: 'p' });
  events.emit('draining', { signal: 'SIGTERM' });
  assert.deepEqual(
    (await lines()).map(({ event }) => event),
    [
      ...['connection_ended', 'session_opened', 'session_closed', 'attempt_failed', 'untrusted_proxy', 'hint'],
      ...['reloaded', 'reload_failed', 'draining'],
    ],
  );
});

test('a list that was read again is told with its size, and one that could not be with its problem on one line', async () => {
  const { events, lines } = setUp();
  events.emit('list_reloaded', { name: 'bans', file: '/lists/bans.txt', size: 2 });
  events.emit('list_failed', { name: 'bans', file: '/lists/bans.txt', problem: "bans.txt:1: not '\u001b[2J\nx'" });
  const [reloaded, failed] = await lines();
  assert.deepEqual([reloaded?.event, reloaded?.size, reloaded?.name], ['list_reloaded', 2, 'bans']);
  assert.deepEqual([failed?.event, failed?.level], ['list_failed', 'error']);
  assert.doesNotMatch(String(failed?.problem), /[\u0000-\u001f]/);
});

test('an untrusted proxy is told once for each listener and reason, and once more after a reload', async () => {
  const { events, lines } = setUp();
  const tell = () => {
    for (let i = 0; i < 3; i += 1)
      for (const reason of ['private_peer', 'forwarding_headers'] as const)
        events.emit('untrusted_proxy', { peerAddress: `10.0.0.${i}`, reason, listener: 'public' });
  };
  tell();
  events.emit('reloaded', { generation: 2, ms: 1 });
  tell();
  assert.deepEqual(
    (await lines()).map(({ event, reason }) => reason ?? event),
    ['private_peer', 'forwarding_headers', 'reloaded', 'private_peer', 'forwarding_headers'],
  );
});

test('an attack on connections is some lines and a number, not the whole log; other kinds are not held back', async () => {
  const { events, clock, lines } = setUp();
  for (let i = 0; i < 1000; i += 1)
    events.emit('connection_ended', { listener: 'public', reason: `slow ${i}`, limit: 'limits.header_timeout_ms' });
  events.emit('connection_ended', { listener: 'public', reason: 'other', limit: 'limits.max_connections' });
  clock.pass(10_000);
  events.emit('connection_ended', { listener: 'public', reason: 'slow', limit: 'limits.header_timeout_ms' });
  const written = await lines();
  assert.equal(written.filter(({ limit }) => limit === 'limits.header_timeout_ms').length, 11);
  assert.equal(written.filter(({ limit }) => limit === 'limits.max_connections').length, 1);
  const told = written.filter(({ event }) => event === 'repeated');
  assert.equal(told.length, 1);
  assert.equal(told[0]!.lines, 990);
  assert.equal(told[0]!.what, 'public limits.header_timeout_ms');
});

test('an outage of an endpoint is some lines and a number', async () => {
  const { events, clock, lines } = setUp();
  for (let i = 0; i < 100; i += 1)
    events.emit('attempt_failed', { upstream: 'z', endpoint: 'e', code: 'CONNECT_FAILED', replayed: false });
  clock.pass(10_000);
  const written = await lines();
  assert.equal(written.length, 11);
  assert.equal(written.at(-1)!.lines, 90);
});

test('kinds that an attacker can make up share one after the first hundreds', async () => {
  const { events, lines } = setUp();
  for (let i = 0; i < 5000; i += 1) events.emit('connection_ended', { listener: 'public', reason: `made up ${i}` });
  assert.ok((await lines()).length < 600);
});

test('an unknown RPC is told once by name; beyond a thousand names there is one line and silence', async () => {
  const { events, lines } = setUp();
  const tell = (name: string): void => events.emit('unknown_rpc', { name, route: 'rpc', refused: false });
  for (let i = 0; i < 3; i += 1) tell('zitadel.user.v7.UserService/New');
  for (let i = 0; i < 5000; i += 1) tell(`zitadel.x${i}.Y/Z`);
  const written = await lines();
  assert.equal(written.filter(({ event }) => event === 'unknown_rpc').length, 1000);
  assert.equal(written.filter(({ name }) => name === 'zitadel.user.v7.UserService/New').length, 1);
  assert.deepEqual(
    written.slice(-1).map(({ event, names }) => [event, names]),
    [['unknown_rpcs_silenced', 1000]],
  );
});

test('attack: the name of an unknown RPC is cut and breaks no line', async () => {
  const { events, lines } = setUp();
  events.emit('unknown_rpc', { name: `zitadel.\u001b[2J\n${'x'.repeat(9000)}`, route: 'rpc', refused: true });
  const [line] = await lines();
  assert.ok(String(line?.name).length < 600);
  assert.doesNotMatch(String(line?.name), /[\u0000-\u001f]/);
});

test('the disk of the cache is told when it fails and when it works again; a cold host is a warning', async () => {
  const { events, lines } = setUp();
  events.emit('cache_disk', { up: false, directory: '/cache', problem: 'ENOSPC: no space left\n\u001b[2J' });
  events.emit('cache_disk', { up: true, directory: '/cache' });
  events.emit('cache_warmed', { route: 'console', host: 'id.example.com', stored: 41 });
  events.emit('cache_warmed', { route: 'console', host: 'id.example.org', stored: 0 });
  const written = await lines();
  assert.deepEqual(
    written.map(({ event, level }) => [event, level]),
    [
      ['cache_disk_down', 'warn'],
      ['cache_disk_up', 'info'],
      ['cache_warmed', 'info'],
      ['cache_warmed', 'warn'],
    ],
  );
  assert.match(String(written[0]!.problem), /^ENOSPC/);
  assert.doesNotMatch(String(written[0]!.problem), /[\u0000-\u001f]/);
  assert.deepEqual([written[2]!.host, written[2]!.stored], ['id.example.com', 41]);
});

test('bodies that cannot be coded are some lines and a number', async () => {
  const { events, clock, lines } = setUp();
  for (let i = 0; i < 100; i += 1) events.emit('variant_failed', { coding: 'br', digest: `d${i}`, reason: 'died' });
  clock.pass(10_000);
  const written = await lines();
  assert.equal(written.filter(({ event }) => event === 'variant_failed').length, 10);
  assert.equal(written.at(-1)!.lines, 90);
});

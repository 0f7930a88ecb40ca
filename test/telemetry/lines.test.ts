import assert from 'node:assert/strict';
import test from 'node:test';
import * as certificateLines from '../../src/telemetry/certificate-lines.ts';
import * as lines from '../../src/telemetry/lines.ts';
import type { Log } from '../../src/telemetry/log-contract.ts';
import { keptLog, type Line } from './kept-lines.ts';

async function said(say: (log: Log) => void): Promise<Line> {
  const kept = keptLog({ level: 'debug' });
  say(kept.log);
  const written = await kept.lines();
  assert.equal(written.length, 1);
  return written[0]!;
}

test('the warning about an untrusted proxy names the key and the line to add, for IPv4 and IPv6', async () => {
  const first = await said((log) =>
    lines.untrustedProxy(log, { peerAddress: '10.0.0.7', reason: 'private_peer', listener: 'public' }),
  );
  assert.equal(first.level, 'warn');
  assert.match(first.msg!, /trusted_proxies: \["10\.0\.0\.7\/32"\]/);
  assert.match(first.msg!, /10\.0\.0\.7, a private address/);
  const second = await said((log) =>
    lines.untrustedProxy(log, { peerAddress: 'fd00::7', reason: 'forwarding_headers', listener: 'public' }),
  );
  assert.match(second.msg!, /trusted_proxies: \["fd00::7\/128"\]/);
  assert.equal(second.add, 'fd00::7/128');
});

test('a connection that a limit ended names the limit', async () => {
  const line = await said((log) =>
    lines.connectionEnded(log, {
      listener: 'public',
      reason: 'TLS handshake too slow',
      limit: 'limits.tls_handshake_timeout_ms',
      peerAddress: '192.0.2.1',
    }),
  );
  assert.equal(line.limit, 'limits.tls_handshake_timeout_ms');
  assert.match(line.msg!, /limits\.tls_handshake_timeout_ms/);
  assert.equal(line.peer_address, '192.0.2.1');
});

test('a hint says what was found, what was expected and which key to change; words from outside are redacted', async () => {
  const line = await said((log) =>
    lines.hint(log, {
      topic: 'issuer',
      host: 'joe:pw@auth.example.com',
      found: 'http://auth.example.com/?code=SECRET\n\x1b[2J',
      expected: 'https://auth.example.com',
      key: 'ExternalSecure',
    }),
  );
  assert.equal(line.level, 'warn');
  assert.match(line.msg!, /found http:\/\/auth.*expected https:\/\/auth.*ExternalSecure/);
  assert.doesNotMatch(JSON.stringify(line), /SECRET|joe:pw/);
  assert.doesNotMatch(String(line.found), /[\n\x1b]/);
});

test('problems of a refused config keep their lines', async () => {
  const line = await said((log) => lines.reloadFailed(log, { problems: 'gateway.yaml:3:5 a\ngateway.yaml:9:1 b' }));
  assert.equal(line.level, 'error');
  assert.equal(line.problems, 'gateway.yaml:3:5 a\ngateway.yaml:9:1 b');
});

test('a defect has the stacks of its whole chain, and ends for a chain that is a loop', async () => {
  const inner = new RangeError('inner');
  const outer = new TypeError('outer with ?token=SECRET', { cause: inner });
  inner.cause = outer;
  const line = await said((log) => lines.defect(log, outer, { where: 'reload' }));
  assert.equal(line.level, 'error');
  assert.match(String(line.stack), /TypeError: outer.*\n\s+at .*\n[\s\S]*caused by RangeError: inner\n\s+at /);
  assert.doesNotMatch(JSON.stringify(line), /SECRET/);
});

test('a defect may be anything that can be thrown', async () => {
  for (const thrown of ['text', undefined, null, 42, { a: 1 }]) {
    const line = await said((log) => lines.defect(log, thrown, { where: 'x' }));
    assert.equal(line.event, 'defect');
    assert.equal('stack' in line, false);
  }
});

test('every other line has its event, level and message', async () => {
  const certificate = { names: ['a.example'], file: '/certs/a.pem', until: '2026-12-31' };
  const expected: [string, string, RegExp, (log: Log) => void][] = [
    ['starting', 'info', /1\.0/, (l) => lines.starting(l, { version: '1.0', node: '26', config: 'a.yaml', pid: 1 })],
    ['listening', 'info', /https:\/\/x/, (l) => lines.listening(l, { listener: 'public', url: 'https://x' })],
    ['ready', 'info', /12 ms/, (l) => lines.ready(l, { ms: 12.3 })],
    ['certificate_made', 'warn', /a\.example/, (l) => certificateLines.certificateMade(l, certificate)],
    ['certificate_loaded', 'info', /a\.pem/, (l) => certificateLines.certificateLoaded(l, certificate)],
    [
      'certificate_doubtful',
      'warn',
      /chain/,
      (l) => certificateLines.certificateDoubtful(l, { file: 'a.pem', problem: 'the chain is short' }),
    ],
    [
      'certificate_names_gone',
      'warn',
      /b\.example/,
      (l) => certificateLines.certificatesLoaded(l, { listener: 'public', certificates: [], vanished: ['b.example'] }),
    ],
    [
      'certificates_refused',
      'error',
      /stay in use: a\.pem/,
      (l) => certificateLines.certificatesRefused(l, { listener: 'public', problem: 'a.pem: no' }),
    ],
    ...(
      [
        [30, false, 'warn', /30 whole days/],
        [2, false, 'error', /2 whole days/],
        [0, true, 'error', /ended on 2026-12-31/],
      ] as const
    ).map(([leftDays, ended, level, message]): [string, string, RegExp, (log: Log) => void] => [
      'certificate_ending',
      level,
      message,
      (l) => certificateLines.certificateEnding(l, { listener: 'public', ...certificate, leftDays, ended }),
    ]),
    ['ticket_key_rotated', 'debug', /another key/, (l) => certificateLines.ticketKeyRotated(l)],
    [
      'ticket_keys_refused',
      'error',
      /16 bytes/,
      (l) => certificateLines.ticketKeysRefused(l, { file: 'k', problem: 'k: has 16 bytes' }),
    ],
    ['reloaded', 'info', /generation 2/, (l) => lines.reloaded(l, { generation: 2, ms: 3 })],
    [
      'session_opened',
      'debug',
      /10\.0\.0\.1/,
      (l) => lines.sessionOpened(l, { upstream: 'z', endpoint: '10.0.0.1', session: 1 }),
    ],
    [
      'session_closed',
      'info',
      /goaway/,
      (l) => lines.sessionClosed(l, { upstream: 'z', endpoint: 'e', session: 1, reason: 'goaway' }),
    ],
    [
      'attempt_failed',
      'warn',
      /CONNECT_FAILED/,
      (l) => lines.attemptFailed(l, { upstream: 'z', endpoint: 'e', code: 'CONNECT_FAILED', replayed: false }),
    ],
    [
      'attempt_failed',
      'info',
      /elsewhere/,
      (l) => lines.attemptFailed(l, { upstream: 'z', endpoint: 'e', code: 'X', replayed: true }),
    ],
    ['repeated', 'warn', /17 more/, (l) => lines.repeated(l, { of: 'connection_ended', what: 'x', lines: 17 })],
    ['lines_dropped', 'warn', /5 log lines/, (l) => lines.linesDropped(l, { lines: 5 })],
    [
      'admin_refused',
      'warn',
      /UNAUTHORIZED/,
      (l) => lines.adminRefused(l, { code: 'UNAUTHORIZED', path: '/config', peerAddress: '192.0.2.1' }),
    ],
    ['draining', 'info', /SIGTERM/, (l) => lines.draining(l, { signal: 'SIGTERM' })],
    ['forced', 'warn', /3 exchanges/, (l) => lines.forced(l, { signal: 'SIGINT', exchanges: 3 })],
    ['stopped', 'info', /7 ms/, (l) => lines.stopped(l, { ms: 7 })],
  ];
  for (const [event, level, message, say] of expected) {
    const line = await said(say);
    assert.equal(line.event, event);
    assert.equal(line.level, level, event);
    assert.match(line.msg!, message);
  }
});

import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import test from 'node:test';
import { createLog } from '../../src/telemetry/log.ts';
import { keptLog } from './kept-lines.ts';

test('a record has the form that pino gives to every other line', async () => {
  const { log, text } = keptLog({ base: { worker: 1 } });
  const fields = { event: 'e', a: 'x"y\\z', n: 1.5, flag: false, absent: undefined, list: ['a'] };
  log.logger.warn(fields, 'said');
  log.record('warn', fields, 'said');
  log.logger.info({ event: 'e' });
  log.record('info', { event: 'e' });
  log.logger.info({});
  log.record('info', {});
  const lines = (await text()).trimEnd().split('\n');
  assert.equal(lines.length, 6);
  for (const i of [0, 2, 4]) assert.equal(lines[i + 1], lines[i]);
});

test('level and time are words; there is no pid and no host name', async () => {
  const { log, clock, lines } = keptLog();
  clock.pass(1500);
  log.logger.error({ event: 'e' }, 'said');
  assert.deepEqual(await lines(), [{ level: 'error', time: '2026-01-01T00:00:01.500Z', event: 'e', msg: 'said' }]);
});

test('lines below the level are not written', async () => {
  const { log, lines } = keptLog({ level: 'warn' });
  log.logger.info('a');
  log.record('info', { event: 'a' });
  log.record('warn', { event: 'b' });
  assert.equal(log.enabled('info'), false);
  assert.equal(log.enabled('warn'), true);
  assert.deepEqual(
    (await lines()).map(({ event }) => event),
    ['b'],
  );
});

test('a stream as destination is no terminal: auto is JSON', async () => {
  const { log, text } = keptLog({ format: 'auto' });
  assert.equal(log.human, false);
  log.logger.info('a');
  assert.equal(JSON.parse(await text()).msg, 'a');
});

test('pretty where it is asked for, without colours where nobody can see them', async () => {
  const { log, text } = keptLog({ format: 'pretty', base: { worker: 2 } });
  log.logger.warn({ event: 'e', limit: 'x' }, 'said');
  log.record('info', { event: 'f', route: 'y' }, 'told');
  const written = await text();
  assert.match(written, /WARN: said \{"worker":2,"limit":"x"\}\n/);
  assert.match(written, /INFO: told \{"worker":2,"route":"y"\}\n/);
  assert.ok(!written.includes('\x1b'));
});

test('a stream that never takes anything: lines are dropped at the bound, urgent ones later, and close ends in time', async () => {
  const stuck = new Writable({ write() {} });
  const { log, clock } = keptLog({ destination: stuck, bufferBytes: 8000 });
  const line = 'x'.repeat(1000);
  for (let i = 0; i < 10; i += 1) log.record('info', { event: 'e', line });
  const dropped = log.dropped();
  assert.ok(dropped >= 3 && dropped <= 4, `${dropped}`);
  log.record('error', { event: 'e' });
  assert.equal(log.dropped(), dropped);
  const closing = log.close(500);
  clock.pass(500);
  assert.equal(await closing, false);
});

test('after close no line comes out, and none is waited for', async () => {
  const { log, lines } = keptLog();
  log.record('info', { event: 'first' });
  assert.equal((await lines()).length, 1);
  log.record('info', { event: 'late' });
  assert.equal((await lines()).length, 1);
  assert.equal(log.dropped(), 1);
});

test('a stream that fails is given up: lines are counted as dropped, nothing is thrown', async () => {
  const failing = new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) });
  const log = createLog({ destination: failing, format: 'json' });
  log.record('info', { event: 'a' });
  log.record('info', { event: 'b' });
  assert.equal(await log.close(1000), false);
  assert.equal(log.dropped(), 2);
});

test('stdout is where lines go when nothing else is said', async () => {
  const log = createLog({ level: 'silent' });
  log.logger.error('not seen');
  assert.equal(log.dropped(), 0);
  await log.close(0);
});

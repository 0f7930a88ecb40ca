import assert from 'node:assert/strict';
import test from 'node:test';
import { printable, printableLines } from '../../src/telemetry/printable.ts';

test('text from outside stays one line, without commands for a terminal', () => {
  assert.equal(printable('a\nb\r\n{"level":"error"}', 100), 'a\\u000ab\\u000d\\u000a{"level":"error"}');
  assert.equal(printable('\x1b[2Jhidden\x9b0m', 100), '\\u001b[2Jhidden\\u009b0m');
  assert.equal(printable('a\u2028b\u202ec\x00', 100), 'a\\u2028b\\u202ec\\u0000');
});

test('text from outside is bounded, and shows that it was cut', () => {
  assert.equal(printable('x'.repeat(300), 256), `${'x'.repeat(256)}…`);
  assert.equal(printable('x'.repeat(256), 256), 'x'.repeat(256));
});

test('other text is not touched', () => {
  assert.equal(printable('Grüezi 世界 ☕', 100), 'Grüezi 世界 ☕');
});

test('lines of ours stay lines', () => {
  assert.equal(printableLines('one\ntwo\x1b', 100), 'one\ntwo\\u001b');
});

// The answer on its way down where a sink in between codes it: its pace, its count, and clients that stop reading.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResetCode } from '../../src/core/raw.ts';
import { CodingSink } from '../../src/encoding/coding-sink.ts';
import { codingOf } from '../../src/encoding/index.ts';
import { Download } from '../../src/gateway/download.ts';
import { exchangeOf } from '../policies/asked.ts';
import { HandClock } from '../support/hand-clock.ts';

function begun(idleMs: number) {
  const clock = new HandClock();
  const exchange = exchangeOf(clock, {});
  const told: string[] = [];
  const client = { takes: true };
  const downstream = {
    respond() {},
    write: (chunk: Uint8Array) => told.push(`write ${chunk.length}`) > 0 && client.takes,
    end: () => void told.push('end'),
    reset: (code: number) => void told.push(`reset ${code}`),
  };
  Object.assign(exchange, { downstream });
  let drains = 0;
  const filter = new CodingSink(downstream, codingOf('gzip'), {
    onBytes: (bytes) => {
      exchange.record.bytesOut += bytes;
    },
  });
  const download = new Download(exchange, clock, idleMs);
  download.begin({ status: 200, fields: [], ended: false, source: 'upstream', sink: filter, filter }, () => {
    drains += 1;
  });
  return { clock, exchange, told, client, download, filter, drains: () => drains };
}

test('the record counts what the encoder gave, not what the upstream sent', () => {
  const { download, exchange, told } = begun(0);
  assert.equal(download.write(Buffer.alloc(5000, 'a')), true);
  assert.equal(exchange.record.bytesOut, 0);
  download.end(undefined);
  assert.equal(told[0], `write ${exchange.record.bytesOut}`);
  assert.equal(told[1], 'end');
  assert.ok(exchange.record.bytesOut < 100);
});

test('what drains is the sink in between: the upstream goes on when it says so', () => {
  const { download, client, drains } = begun(0);
  client.takes = false;
  download.write(Buffer.alloc(10));
  assert.equal(drains(), 0);
  download.drained();
  assert.equal(drains(), 1);
});

test('attack, slow read: a client that stops in the middle of a complete coded answer is given up', () => {
  const { download, clock, told, client } = begun(1000);
  client.takes = false;
  download.write(Buffer.alloc(5000, 'a'));
  download.end(undefined);
  clock.pass(900);
  download.drained();
  clock.pass(900);
  assert.equal(told.at(-1), 'end');
  clock.pass(200);
  assert.equal(told.at(-1), `reset ${ResetCode.CANCEL}`);
});

test('a client that has taken all of it is not', () => {
  const { download, clock, told } = begun(1000);
  download.write(Buffer.alloc(5000, 'a'));
  download.end(undefined);
  download.drained();
  download.close();
  clock.pass(10_000);
  assert.equal(told.at(-1), 'end');
});

test('a client that leaves takes the encoder with it', async () => {
  const { download, told } = begun(0);
  download.write(Buffer.alloc(40_000, 'a'));
  download.close();
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  assert.deepEqual(told, []);
});

/** Peers that break the protocol, by accident or not; a part of the engine contract. */

import assert from 'node:assert/strict';
import { connectFrames, Flag, FrameType, frame, headerBlock, uint32 } from '../support/h2-frames.ts';
import { bystander, type EngineSuite, GET } from './engine-suite.ts';

/** Declares the tests of abuse. */
export function abuseContract({ keeps, start }: EngineSuite): void {
  const block = headerBlock(GET('/'));
  const ABUSE: [title: string, frames: () => Buffer[], code: number | undefined][] = [
    ['rapid reset (CVE-2023-44487)', () => range(1200).flatMap((i) => [request(i), rst(i)]), undefined],
    ['CONTINUATION flood', () => [frame(1, 0, 1, block), ...range(500).map(() => frame(9, 0, 1, ''))], undefined],
    ['PING flood (CVE-2019-9512)', () => range(5000).map(() => frame(6, 0, 0, Buffer.alloc(8))), undefined],
    ['SETTINGS flood (CVE-2019-9515)', () => range(5000).map(() => frame(4, 0, 0)), undefined],
    ['a SETTINGS frame of many settings', () => [frame(4, 0, 0, Buffer.concat(range(64).map(setting)))], undefined],
    ['DATA on stream 0', () => [frame(0, 0, 0, 'x')], 1],
    ['HEADERS on an even stream', () => [frame(1, 5, 2, block)], 1],
    ['a frame larger than it may be', () => [Buffer.from([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1])], 6],
    ['a header block that HPACK cannot read', () => [frame(1, 5, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]))], 9],
    ['WINDOW_UPDATE of 0 on the connection', () => [frame(8, 0, 0, uint32(0))], 1],
    ['a window above 2^31-1', () => [frame(8, 0, 0, uint32(0x7fffffff))], 3],
    ['PUSH_PROMISE of a client', () => [frame(5, 4, 1, Buffer.concat([uint32(2), block]))], 1],
    ['CONTINUATION without HEADERS', () => [frame(9, 4, 1, block)], 1],
  ];
  for (const [title, frames, code] of ABUSE) {
    keeps(`${title}: the connection ends with an event, and the client beside does not notice`, async () => {
      await using server = await start();
      using good = await bystander(server);
      using bad = await connectFrames(server.port);
      bad.send(...frames());
      const goaway = await bad.next(({ type }) => type === FrameType.GOAWAY);
      if (code !== undefined) assert.equal(goaway?.payload.readUInt32BE(4), code);
      await bad.next(() => false);
      const end = await server.end();
      assert.equal(end.peerAddress, '127.0.0.1');
      assert.ok(end.code !== undefined);
      assert.equal(end.limit, undefined);
      await good.unharmed();
    });
  }

  for (const [budget, frames] of [
    ['resets', () => range(200).flatMap((i) => [request(i), rst(i)])],
    ['malformed', () => range(20).map((i) => frame(1, 5, 1 + 2 * i, headerBlock(GET('/%zz'))))],
    ['header_bytes', () => range(20).map((i) => frame(1, 5, 1 + 2 * i, headerBlock(GET('/', ['x', 'a'.repeat(999)]))))],
  ] as const) {
    keeps(`a budget that is used up (${budget}): GOAWAY(ENHANCE_YOUR_CALM), and the limit is named`, async () => {
      const rates = { resets: 0, malformed: 0, header_bytes: 0, [budget]: budget === 'header_bytes' ? 1000 : 1 };
      await using server = await start({ rates });
      using good = await bystander(server);
      using bad = await connectFrames(server.port);
      bad.send(...frames());
      const goaway = await bad.next(({ type }) => type === FrameType.GOAWAY);
      assert.equal(goaway?.payload.readUInt32BE(4), 11);
      await bad.next(() => false);
      assert.equal((await server.end()).limit, `limits.per_connection.${budget}_per_s`);
      // The requests that came after the budget was used up were not begun.
      assert.ok(server.requests.length <= 12, String(server.requests.length));
      await good.unharmed();
    });
  }

  keeps('more header fields than the engine reads: the stream is reset, and its siblings live', async () => {
    await using server = await start();
    using client = await connectFrames(server.port);
    client.headers(1, GET('/hold'), Flag.END_STREAM);
    client.headers(3, GET('/', ...range(2100).map((): [string, string] => ['x', 'y'])), Flag.END_STREAM);
    assert.deepEqual(await client.finished(3), ['RST_STREAM 3 code 11']);
    client.headers(5, GET('/'), Flag.END_STREAM);
    assert.ok((await client.finished(5)).at(-1)?.includes('END_STREAM'));
  });
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
const request = (i: number): Buffer => frame(1, 5, 1 + 2 * i, headerBlock(GET('/hold')));
const rst = (i: number): Buffer => frame(3, 0, 1 + 2 * i, uint32(8));
function setting(i: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt16BE(0x100 + i);
  return bytes;
}

// Against the HPACK of Node (nghttp2), over a loopback connection whose server is written by hand: requests of
// `node:http2` are read here, answers from here are read by it, with table sizes that change in both directions.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2, { type IncomingHttpHeaders } from 'node:http2';
import { test } from 'node:test';
import fc from 'fast-check';
import { HpackDecoder } from '../../../src/http2/hpack/decoder.ts';
import { HpackEncoder } from '../../../src/http2/hpack/encoder.ts';
import { Flag, type Frame, type FramePeer, FrameType, frame, startFrameServer } from '../../support/h2-frames.ts';
import { WIDE } from './octets.ts';

const HEADER_TABLE_SIZE = 1;
/** The first identifier of a setting in each frame with settings of the peer. */
const tableSizes = (peer: FramePeer): number[] =>
  peer.frames
    .filter(({ type, flags }) => type === FrameType.SETTINGS && (flags & Flag.ACK) === 0)
    .flatMap(({ payload }) =>
      Array.from({ length: payload.length / 6 }, (_, i) => payload.subarray(i * 6, i * 6 + 6))
        .filter((entry) => entry.readUInt16BE(0) === HEADER_TABLE_SIZE)
        .map((entry) => entry.readUInt32BE(2)),
    );

/** The block of a stream's request, which may go on in CONTINUATION frames. */
async function requestBlock(peer: FramePeer, stream: number): Promise<Buffer> {
  const of = ({ type, stream: id }: Frame): boolean =>
    id === stream && (type === FrameType.HEADERS || type === FrameType.CONTINUATION);
  await peer.next((one) => of(one) && (one.flags & Flag.END_HEADERS) !== 0);
  return Buffer.concat(
    peer.frames.filter(of).map(({ flags, payload }) => {
      const padding = flags & Flag.PADDED ? payload[0]! : 0;
      const begin = (flags & Flag.PADDED ? 1 : 0) + (flags & Flag.PRIORITY ? 5 : 0);
      return payload.subarray(begin, payload.length - padding);
    }),
  );
}

const NAMES = ['x-a', 'x-b', 'accept-language', 'x-request-id', 'cache-control', 'x-long-name-of-a-field'];
const visible = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((c) => String.fromCharCode(c)),
  maxLength: 80,
});
const value = fc.oneof(visible, fc.constantFrom('no-store', 'max-age=3600, public', 'v'.repeat(700), '\xe9t\xe9'));
const fieldList = fc.uniqueArray(fc.tuple(fc.constantFrom(...NAMES), value), {
  selector: ([name]) => name,
  maxLength: 6,
});
const size = fc.option(fc.oneof(fc.nat(400), fc.constantFrom(0, 4096, 65_536)), { nil: undefined });
const exchange = fc.record({
  request: fieldList,
  answer: fieldList,
  secret: fc.boolean(),
  status: fc.constantFrom(200, 201, 204, 304, 404, 503),
  /** The table sizes that each side says before it. */
  ours: size,
  theirs: size,
});

test('a connection of requests and answers with node:http2: both sides read the same fields', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(exchange, { minLength: 1, maxLength: 8 }), async (exchanges) => {
      await using server = await startFrameServer(() => {});
      const session = http2.connect(`http://${server.address}`);
      session.on('error', () => {});
      const [peer] = await Promise.all([server.peer(0), once(session, 'connect')]);
      // Each size that is said here may be used by the other side.
      const decoder = new HpackDecoder({ ...WIDE, maxTableBytes: 65_536 });
      const encoder = new HpackEncoder();
      let said = 0;
      try {
        for (const [i, { request, answer, secret, status, ours, theirs }] of exchanges.entries()) {
          if (ours !== undefined) peer.settings([[HEADER_TABLE_SIZE, ours]]);
          if (theirs !== undefined) {
            const { promise, resolve } = Promise.withResolvers<void>();
            session.settings({ headerTableSize: theirs }, () => resolve());
            await promise;
          }
          // Node has read our SETTINGS when it has answered a PING behind them.
          await peer.settled();
          const stream = 1 + 2 * i;
          const sensitive = secret ? { [http2.sensitiveHeaders]: request.map(([name]) => name) } : {};
          const sent = { ':path': `/${i}`, ...Object.fromEntries(request), ...sensitive };
          const call = session.request(sent as http2.OutgoingHttpHeaders, { endStream: true });
          const responded = once(call, 'response') as Promise<[IncomingHttpHeaders, number, string[]]>;
          const { fields, exceeded } = decoder.decode(await requestBlock(peer, stream));
          assert.equal(exceeded, undefined);
          assert.deepEqual(
            fields.slice(8),
            request.flat(),
            'what node:http2 has sent is read here behind its four pseudo-headers',
          );
          for (const bytes of tableSizes(peer).slice(said)) encoder.setMaxTableBytes(bytes);
          said = tableSizes(peer).length;
          const own = [...answer.flat(), 'set-cookie', 'a=b'];
          const block = encoder.encode(status, own);
          peer.send(frame(FrameType.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, stream, block));
          const [, , raw] = await responded;
          assert.deepEqual(raw, [':status', String(status), ...own], 'what was written here is read by node:http2');
          call.resume();
        }
      } finally {
        session.destroy();
      }
    }),
    { numRuns: 40 },
  );
});

// Answers that end where a window ends, read late. Harm: their END_STREAM has to wait for window that only reading gives,
// and where it is lost a whole answer counts as cut.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2, { type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { HTTP2_ENGINES, type PoolConstructor } from '../../src/upstream/http2-engines.ts';
import { Flag, startFrameServer } from '../support/h2-frames.ts';
import { addressOf, Observed, poolSettings, request } from './pool-settings.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const PIECE = Buffer.alloc(64 * KIB, 'x');
/** What pools get by default. */
const WINDOWS = { streamWindowBytes: MIB, sessionWindowBytes: 4 * MIB };
const SIZES = [64 * KIB, MIB, 4 * MIB, 16 * MIB].flatMap((size) => [size - 1, size, size + 1]);

/** Writes a body piece by piece and ends with none in hand, as a stream that is piped does. */
function inPieces(stream: ServerHttp2Stream, bytes: number): void {
  let left = bytes;
  const more = (): void => {
    while (left > 0) {
      const piece = PIECE.subarray(0, Math.min(left, PIECE.length));
      left -= piece.length;
      if (stream.write(piece)) continue;
      stream.once('drain', more);
      return;
    }
    stream.end();
  };
  more();
}

/** Asks a server of Node, and reads its answer when the server has sent what it may. */
async function readLate(Pool: PoolConstructor, answer: (stream: ServerHttp2Stream) => void) {
  const server = http2.createServer();
  let sent = (): boolean => false;
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => {});
    answer(stream);
    sent = () => stream.closed || stream.state.localWindowSize === 0;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const pool = new Pool(addressOf(`127.0.0.1:${port}`), poolSettings(WINDOWS), new Observed());
  try {
    const one = request();
    const stream = await pool.open(one);
    // Turns without number of a loop that has nothing else to do, for bodies that fill no window.
    for (let turns = 0; turns < 500 && !sent(); turns += 1) await new Promise(setImmediate);
    stream.resume();
    await one.receiver.seen('close');
    return one.receiver;
  } finally {
    pool.destroy();
    server.close();
  }
}

for (const [engine, Pool] of Object.entries(HTTP2_ENGINES)) {
  for (const bytes of SIZES) {
    test(`${engine}: ${bytes} bytes in pieces from Node's server, their length told, are whole though they are read late`, async () => {
      const told = await readLate(Pool, (stream) => {
        stream.respond({ ':status': 200, 'content-length': bytes });
        inPieces(stream, bytes);
      });
      assert.ok(told.events.includes('end'), told.events.join());
      assert.equal(told.bytes, bytes);
    });

    test(`${engine}: ${bytes} bytes in pieces from Node's server, no length told, are whole where it read the request`, async () => {
      const told = await readLate(Pool, (stream) => {
        stream.resume();
        stream.respond({ ':status': 200 });
        inPieces(stream, bytes);
      });
      assert.deepEqual([told.events.join(), told.bytes], ['head,data,end,close', bytes]);
    });

    test(`${engine}: ${bytes} bytes from Node's server given at once are whole though they are read late`, async () => {
      const told = await readLate(Pool, (stream) => {
        stream.respond({ ':status': 200 });
        stream.end(Buffer.alloc(bytes));
      });
      assert.deepEqual([told.events.join(), told.bytes], ['head,data,end,close', bytes]);
    });
  }

  /*
   * Node 26.10 as a server resets a stream with NO_ERROR when its answer is written and its request was never read, also
   * where the END_STREAM of that answer still waits for window: it is then never sent. Without a length such an answer
   * cannot be told from one that was given up, RFC 9113 section 8.1.
   */
  test(`${engine}: no END_STREAM and no length: RST_STREAM(NO_ERROR) of a Node server stays a cut, with all bytes read`, async () => {
    const told = await readLate(Pool, (stream) => {
      stream.respond({ ':status': 200 });
      inPieces(stream, MIB);
    });
    assert.deepEqual([told.events.join(), told.bytes], ['head,data,reset,close', MIB]);
    assert.equal(told.resets[0]!.code, 0);
  });

  for (const [how, last] of [
    ['in a frame of its own', 0],
    ['with the last byte', 1],
  ] as const) {
    test(`${engine}: END_STREAM ${how} after a whole window, read late, is an end`, async () => {
      await using server = await startFrameServer((peer, id) => {
        peer.headers(id, [[':status', '200']]);
        for (let left = MIB - last; left > 0; left -= 16 * KIB) {
          peer.data(id, PIECE.subarray(0, Math.min(left, 16 * KIB)));
        }
        peer.data(id, PIECE.subarray(0, last), Flag.END_STREAM);
      });
      const pool = new Pool(addressOf(server.address), poolSettings(WINDOWS), new Observed());
      try {
        const one = request();
        const stream = await pool.open(one);
        await (await server.peer(0)).settled();
        stream.resume();
        await one.receiver.seen('close');
        assert.deepEqual([one.receiver.events.join(), one.receiver.bytes], ['head,data,end,close', MIB]);
      } finally {
        pool.destroy();
      }
    });
  }
}

// The stream contract (src/core/raw.ts) against every implementation of it, with the other side written by hand.
// Harm: whatever a stream gets wrong, the relay passes on: a cut answer looks complete, a cut upload is stored.
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { H1DownstreamStream } from '../../src/transport/h1.ts';
import { H2DownstreamStream } from '../../src/transport/h2.ts';
import { H1Pool } from '../../src/upstream/h1-pool.ts';
import { H2Pool } from '../../src/upstream/h2-pool.ts';
import type { OpenRequest, UpstreamPool } from '../../src/upstream/pool.ts';
import { type BytePeer, connectBytes, startByteServer } from '../support/h1-bytes.ts';
import { connectFrames, Flag, type FramePeer, FrameType, startFrameServer } from '../support/h2-frames.ts';
import { observer, poolSettings, request } from '../upstream/pool-settings.ts';
import { type Ending, type OpenOptions, type Opened, type Peer, streamContract, Told } from './stream.ts';

/** Literal fields as both Node and `headerBlock` may write them are decoded by a session of Node. */
function framesPeer(peer: FramePeer, trailers: () => Record<string, string>): Peer {
  return {
    send: (data) => peer.data(1, data),
    end(fields) {
      if (fields === undefined) peer.data(1, '', Flag.END_STREAM);
      else peer.headers(1, fields, Flag.END_STREAM);
    },
    reset: (code) => peer.reset(1, code),
    vanish: () => peer.socket.resetAndDestroy(),
    settled: () => peer.settled(),
    stall() {
      peer.giveWindow = false;
    },
    take() {
      peer.giveWindow = true;
      peer.window(1, 2 ** 30);
    },
    async received(bytes) {
      await peer.next(() => peer.bytes(1) >= bytes);
      return peer.bytes(1);
    },
    async ending() {
      const last = (await peer.finished(1)).at(-1);
      const code = /^RST_STREAM 1 code (\d+)$/.exec(last ?? '');
      return (code === null ? 'end' : `reset ${code[1]}`) as Ending;
    },
    trailers,
  };
}

/** `name: value` lines as one object. */
function fieldsOf(lines: string): Record<string, string> {
  return Object.fromEntries([...lines.matchAll(/^([^\r\n:]+): (.*)\r$/gm)].map(([, name, value]) => [name!, value!]));
}

function bytesPeer(peer: BytePeer, headEnd: () => number): Peer {
  const body = (): string => peer.text.slice(headEnd());
  return {
    send: (data) => peer.chunk(data),
    end: (trailers) => peer.lastChunk(trailers),
    reset: () => peer.abort(),
    vanish: () => peer.abort(),
    async settled() {
      // Loopback delivers before the poll phase comes round again; there is nothing like PING to ask by.
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    },
    stall: () => void peer.socket.pause(),
    take: () => void peer.socket.resume(),
    async received(bytes) {
      await peer.until(() => body().replace(/[0-9a-f]+\r\n|\r\n/g, '').length >= bytes);
      return body().replace(/[0-9a-f]+\r\n|\r\n/g, '').length;
    },
    async ending() {
      const complete = (): boolean => /(?:^|\r\n)0\r\n(?:[^\r\n]+\r\n)*\r\n$/.test(body()) || headOnly(peer.text);
      await peer.until(complete);
      return complete() ? 'end' : 'broken';
    },
    trailers: () => fieldsOf(body()),
  };
}

/** A head that says that no body follows. */
function headOnly(text: string): boolean {
  return /^(?:GET .*|HTTP\/1\.1 \d+ .*)\r\n/.test(text) && !/transfer-encoding/i.test(text) && text.endsWith('\r\n\r\n');
}

streamContract({
  name: 'H2DownstreamStream',
  http2: true,
  async open(options) {
    const server = http2.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = http2.connect('http://x', {
      createConnection: () => peer.socket,
    });
    client.destroy();
    const peer = await connectFrames((server.address() as AddressInfo).port);
    return openDownstreamH2(server, peer, options);
  },
});

// The stream contract (src/core/raw.ts) against every implementation of it, with the other side written by hand.
// Harm: whatever a stream gets wrong, the relay passes on: a cut answer looks complete, a cut upload is stored.
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import http2, { type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { DownstreamStream, MessageStream } from '../../src/core/raw.ts';
import { ENGINES } from '../../src/transport/engines/index.ts';
import { H1DownstreamStream } from '../../src/transport/h1.ts';
import { H2DownstreamStream } from '../../src/transport/h2.ts';
import { H1Pool } from '../../src/upstream/h1-pool.ts';
import { HTTP2_ENGINES } from '../../src/upstream/http2-engines.ts';
import type { UpstreamPool } from '../../src/upstream/pool.ts';
import { type BytePeer, connectBytes, startByteServer } from '../support/h1-bytes.ts';
import { connectFrames, Flag, type FramePeer, FrameType, startFrameServer } from '../support/h2-frames.ts';
import { startListener } from '../support/listener.ts';
import { Observed, poolSettings, request } from '../upstream/pool-settings.ts';
import { type OpenOptions, type Peer, streamContract } from './stream.ts';
import { Told } from './told.ts';

const HEAD = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':authority', 'x'],
  [':path', '/'],
] as const;

/** The other side over HTTP/2. Trailers come with Huffman coding: the wire tests read them with real clients. */
function framesPeer(peer: FramePeer): Peer {
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
      for (const seen of await peer.finished(1)) {
        if (seen.includes('END_STREAM')) return 'end';
        if (seen.startsWith('RST_STREAM')) return `reset ${Number(seen.split(' ').at(-1))}`;
      }
      return 'broken';
    },
    trailers: () => undefined,
  };
}

/** `name: value` lines as one object. */
function fieldsOf(lines: string): Record<string, string> {
  return Object.fromEntries([...lines.matchAll(/^([^\r\n:]+): (.*)\r$/gm)].map(([, name, value]) => [name!, value!]));
}

/** The other side over HTTP/1.1. */
function bytesPeer(peer: BytePeer): Peer {
  const body = (): string => peer.text.slice(peer.text.indexOf('\r\n\r\n') + 4);
  const size = (): number => body().replace(/[0-9a-f]+\r\n|\r\n/g, '').length;
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
      // Only pieces of `x` are ever counted here, and hexadecimal lengths in between.
      await peer.until(() => peer.bytes >= bytes && size() >= bytes);
      return size();
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
  return !/transfer-encoding: chunked/i.test(text) && text.endsWith('\r\n\r\n');
}

/** The last `ServerHttp2Stream` or exchange as a downstream stream, with the answer's head already sent. */
function begun<T extends DownstreamStream>(stream: T, told: Told, { localEnded = false }: OpenOptions): T {
  stream.receiver = told;
  stream.respond(200, ['content-type', 'text/plain'], localEnded);
  return stream;
}

streamContract({
  name: 'H2DownstreamStream',
  http2: true,
  upstream: false,
  async open(options = {}) {
    const server = http2.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const peer = await connectFrames((server.address() as AddressInfo).port);
    const arrived = once(server, 'stream');
    peer.headers(1, HEAD, options.peerEnded ? Flag.END_STREAM : 0);
    const [native] = (await arrived) as [ServerHttp2Stream];
    const told = new Told();
    const stream = begun(new H2DownstreamStream(native, undefined), told, options);
    await peer.next(({ type }) => type === FrameType.HEADERS);
    return {
      stream,
      told,
      peer: framesPeer(peer),
      async [Symbol.asyncDispose]() {
        peer.close();
        server.close();
      },
    };
  },
});

streamContract({
  name: 'FrameStream',
  http2: true,
  upstream: false,
  async open(options = {}) {
    const server = await startListener({ engine: ENGINES.frames, answer: () => {} });
    const peer = await connectFrames(server.port);
    peer.headers(1, HEAD, options.peerEnded ? Flag.END_STREAM : 0);
    const { stream: native } = await server.request(0);
    const told = new Told();
    const stream = begun(native, told, options);
    await peer.next(({ type }) => type === FrameType.HEADERS);
    return {
      stream,
      told,
      peer: framesPeer(peer),
      async [Symbol.asyncDispose]() {
        peer.close();
        await server[Symbol.asyncDispose]();
      },
    };
  },
});

streamContract({
  name: 'H1DownstreamStream',
  http2: false,
  upstream: false,
  async open(options = {}) {
    const server = http.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const peer = await connectBytes((server.address() as AddressInfo).port);
    const arrived = once(server, 'request');
    const framing = options.peerEnded ? '' : 'transfer-encoding: chunked\r\n';
    peer.send(`POST / HTTP/1.1\r\nhost: x\r\nte: trailers\r\n${framing}\r\n`);
    const [request, response] = (await arrived) as [IncomingMessage, ServerResponse];
    const told = new Told();
    const stream = begun(new H1DownstreamStream(request, response, () => false), told, options);
    response.flushHeaders();
    await peer.has('\r\n\r\n');
    return {
      stream,
      told,
      peer: bytesPeer(peer),
      async [Symbol.asyncDispose]() {
        peer.close();
        server.closeAllConnections();
        server.close();
      },
    };
  },
});

/** Opens a stream from a pool and waits for the head of its answer. */
async function openUpstream(
  pool: UpstreamPool,
  { localEnded = false }: OpenOptions,
): Promise<{ stream: MessageStream; told: Told }> {
  const told = new Told();
  const stream = await pool.open(request({ method: 'POST', ended: localEnded, receiver: told }));
  await told.seen('head');
  // The contract is about what comes after the head.
  told.events.length = 0;
  return { stream, told };
}

for (const [engine, Pool] of Object.entries(HTTP2_ENGINES)) {
  streamContract({
    name: `upstream stream of the engine ${engine}`,
    http2: true,
    upstream: true,
    async open(options = {}) {
      const server = await startFrameServer((peer, stream) =>
        peer.headers(stream, [[':status', '200']], options.peerEnded ? Flag.END_STREAM : 0),
      );
      const [host, port] = server.address.split(':');
      const pool = new Pool({ host: host!, port: Number(port) }, poolSettings(), new Observed());
      const opened = await openUpstream(pool, options);
      return {
        ...opened,
        peer: framesPeer(await server.peer(0)),
        async [Symbol.asyncDispose]() {
          pool.destroy();
          await server[Symbol.asyncDispose]();
        },
      };
    },
  });
}

streamContract({
  name: 'H1UpstreamStream',
  http2: false,
  upstream: true,
  async open(options = {}) {
    const framing = options.peerEnded ? 'content-length: 0' : 'transfer-encoding: chunked';
    const server = await startByteServer((peer) => peer.send(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n`));
    const [host, port] = server.address.split(':');
    const pool = new H1Pool(
      { host: host!, port: Number(port) },
      poolSettings({ protocol: 'http/1.1' }),
      new Observed(),
    );
    const opened = await openUpstream(pool, options);
    return {
      ...opened,
      peer: bytesPeer(await server.peer(0)),
      async [Symbol.asyncDispose]() {
        pool.destroy();
        await server[Symbol.asyncDispose]();
      },
    };
  },
});

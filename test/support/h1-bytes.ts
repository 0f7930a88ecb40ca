/** HTTP/1.1 byte by byte: peers that see and say what a library would hide. RFC 9112. */

import net, { type Socket } from 'node:net';
import { connectSocket } from './client-socket.ts';
import { Lookout } from './lookout.ts';
import { type PeerServer, servePeers } from './peer-server.ts';

/** One end of an HTTP/1.1 connection, by hand. */
export class BytePeer {
  readonly socket: Socket;
  /** Everything that came, as latin1. */
  text = '';
  /** How many bytes came. */
  bytes = 0;
  /** Set to false to count what comes and not keep it. */
  keep = true;
  /** How the connection ended: by FIN, by TCP reset, or not yet. */
  ended: 'FIN' | 'RST' | undefined;
  readonly #lookout = new Lookout();

  constructor(socket: Socket) {
    this.socket = socket;
    let failed = false;
    socket.on('error', () => {
      failed = true;
    });
    socket.on('data', (chunk: Buffer) => {
      this.bytes += chunk.length;
      if (this.keep) this.text += chunk.toString('latin1');
      this.#lookout.look();
    });
    const over = (how: 'FIN' | 'RST'): void => {
      this.ended ??= how;
      this.#lookout.look();
    };
    socket.on('end', () => over('FIN'));
    socket.on('close', () => over(failed ? 'RST' : 'FIN'));
  }

  send(...lines: string[]): void {
    this.socket.write(lines.join('\r\n'), 'latin1');
  }

  /** One chunk of a chunked body. */
  chunk(data: string): void {
    this.send(`${data.length.toString(16)}\r\n${data}\r\n`);
  }

  /** The last chunk, with trailers. */
  lastChunk(trailers: readonly (readonly [string, string])[] = []): void {
    this.send(`0\r\n${trailers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
  }

  /** Resolves when this holds, now or later, or when the connection is over. */
  until(holds: () => boolean): Promise<void> {
    return this.#lookout.until(() => holds() || this.ended !== undefined);
  }

  /** Resolves with everything that came when it contains this. */
  async has(text: string): Promise<string> {
    await this.until(() => this.text.includes(text));
    return this.text;
  }

  /** Resolves with how the connection ended. */
  async over(): Promise<'FIN' | 'RST'> {
    await this.until(() => false);
    return this.ended!;
  }

  /** A TCP reset. */
  abort(): void {
    this.socket.resetAndDestroy();
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Connects to a listener by hand: TLS with ALPN http/1.1 where a CA is given, else cleartext. */
export async function connectBytes(port: number, options: { ca?: string } = {}): Promise<BytePeer & Disposable> {
  const peer = new BytePeer(await connectSocket(port, 'http/1.1', options));
  return Object.assign(peer, { [Symbol.dispose]: () => peer.close() });
}

/** An upstream by hand, and its connections. */
export type ByteServer = PeerServer<BytePeer>;

/** An upstream by hand. `onPeer` is called for every connection, `onHead` when the head of a request is here. */
export async function startByteServer(
  onHead: (peer: BytePeer, head: string) => void,
  onPeer: (peer: BytePeer) => void = () => {},
): Promise<ByteServer> {
  const peers: BytePeer[] = [];
  const lookout = new Lookout();
  const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    const peer = new BytePeer(socket);
    peers.push(peer);
    onPeer(peer);
    let told = 0;
    socket.on('data', () => {
      // Every request begins with a method at the start of a line; bodies of tests hold none.
      const heads = [...peer.text.matchAll(/^[A-Z]+ \S+ HTTP\/1\.1\r\n(?:[^\r\n]+\r\n)*\r\n/gm)];
      for (const [head] of heads.slice(told)) {
        told += 1;
        onHead(peer, head);
      }
    });
    lookout.look();
  });
  return servePeers(server, peers, lookout);
}

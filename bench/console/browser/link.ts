/**
 * A slower network than loopback: a relay of TCP connections that holds every byte back for half a round trip and lets
 * no more through than a rate, which all connections share. `node link.ts PORT TO_PORT RTT_MS MBIT_PER_S`. DevTools'
 * own emulation delays requests, not bytes, and leaves out what the browser fetches for a 103.
 */

import net from 'node:net';

/** So much is under way together: what is finer than this is finer than timers. */
const PIECE_BYTES = 4096;
/** More is not taken from a sender than this, ahead of what has gone: the buffer of a router. */
const AHEAD_BYTES = 128 * 1024;

const [port, to, rttMs, mbit] = process.argv.slice(2).map(Number) as [number, number, number, number];
const bytesPerMs = (mbit * 1e6) / 8 / 1000;

/** One direction of the link. */
class Lane {
  #freeAt = 0;

  /** Relays what one socket says to another one. */
  relay(from: net.Socket, into: net.Socket): void {
    const queue: { readonly at: number; readonly bytes: Buffer | undefined }[] = [];
    let ahead = 0;
    let scheduled = false;
    const schedule = (): void => {
      if (scheduled || queue.length === 0) return;
      scheduled = true;
      setTimeout(deliver, queue[0]!.at - performance.now());
    };
    const deliver = (): void => {
      scheduled = false;
      while (queue.length > 0 && queue[0]!.at <= performance.now()) {
        const { bytes } = queue.shift()!;
        if (bytes === undefined) {
          into.end();
          continue;
        }
        ahead -= bytes.length;
        into.write(bytes);
      }
      if (ahead < AHEAD_BYTES) from.resume();
      schedule();
    };
    const put = (bytes: Buffer | undefined): void => {
      this.#freeAt = Math.max(this.#freeAt, performance.now()) + (bytes?.length ?? 0) / bytesPerMs;
      queue.push({ at: this.#freeAt + rttMs / 2, bytes });
    };
    from.on('data', (chunk: Buffer) => {
      for (let at = 0; at < chunk.length; at += PIECE_BYTES) put(chunk.subarray(at, at + PIECE_BYTES));
      ahead += chunk.length;
      if (ahead >= AHEAD_BYTES) from.pause();
      schedule();
    });
    from.on('end', () => {
      put(undefined);
      schedule();
    });
    from.on('error', () => into.destroy());
    from.on('close', () => from.readableEnded || into.destroy());
  }
}

const [up, down] = [new Lane(), new Lane()];
net
  .createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const server = net.connect({ host: '127.0.0.1', port: to, allowHalfOpen: true, noDelay: true });
    up.relay(client, server);
    down.relay(server, client);
  })
  .listen(port, '127.0.0.1');

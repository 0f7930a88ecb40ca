/** What every MessageStream must do, whatever is underneath; `src/core/raw.ts` is the page that it is held to. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { MessageStream } from '../../src/core/raw.ts';
import { http2Contract } from './stream-http2.ts';
import type { Told } from './told.ts';

/** How the other side saw the stream end. HTTP/1.1 has no codes: there a reset is a broken connection. */
export type Ending = 'end' | `reset ${number}` | 'broken';

/** The other side of the wire, by hand. */
export interface Peer {
  send(data: string): void;
  /** Ends its message well. */
  end(trailers?: readonly (readonly [string, string])[]): void;
  /** Ends the stream badly. */
  reset(code: number): void;
  /** Loses the connection by a TCP reset. */
  vanish(): void;
  /** Resolves when the stream under test has been handed all that was sent. */
  settled(): Promise<void>;
  /** Stops taking data. */
  stall(): void;
  /** Takes data again. */
  take(): void;
  /** Resolves when so many bytes of body have come. */
  received(bytes: number): Promise<number>;
  /** Resolves with how it saw our message end. */
  ending(): Promise<Ending>;
  /** The trailers that it got; undefined where it cannot read them. */
  trailers(): Record<string, string> | undefined;
}

/** A stream whose heads have passed both ways; neither message is complete unless the options say so. */
export interface Opened extends AsyncDisposable {
  readonly stream: MessageStream;
  readonly told: Told;
  readonly peer: Peer;
}

export interface OpenOptions {
  /** The peer's message ends with its head. */
  readonly peerEnded?: boolean;
  /** Our message ends with its head. */
  readonly localEnded?: boolean;
}

export interface StreamKind {
  readonly name: string;
  /** HTTP/2: codes, and each direction ends by itself. */
  readonly http2: boolean;
  /** Whether the other side is a server, whose complete answer counts even where it then refuses the rest of the request. */
  readonly upstream: boolean;
  open(options?: OpenOptions): Promise<Opened>;
}

/** Runs the contract against one implementation. */
export function streamContract(kind: StreamKind): void {
  describe(`stream contract: ${kind.name}`, { timeout: 20_000 }, () => {
    test('nothing of a body is told before resume', async () => {
      await using opened = await kind.open();
      opened.peer.send('early');
      await opened.peer.settled();
      assert.deepEqual(opened.told.events, []);
      opened.stream.resume();
      await opened.told.until(() => opened.told.body === 'early');
    });

    test('data, then end, then close when our message is complete too; each once', async () => {
      await using opened = await kind.open();
      const { stream, told, peer } = opened;
      stream.resume();
      peer.send('one');
      peer.end();
      await told.seen('end');
      stream.write(Buffer.from('two'));
      stream.end();
      assert.equal(await peer.ending(), 'end');
      await told.seen('close');
      assert.deepEqual(told.events, ['data', 'end', 'close']);
      assert.equal(told.body, 'one');
      assert.equal(told.trailers, undefined);
    });

    test('trailers come with the end', async () => {
      await using opened = await kind.open();
      opened.stream.resume();
      opened.peer.send('body');
      opened.peer.end([['x-sum', '4']]);
      await opened.told.seen('end');
      assert.deepEqual(opened.told.trailers, ['x-sum', '4']);
    });

    test('end takes trailers', async () => {
      await using opened = await kind.open();
      const { stream, peer } = opened;
      stream.resume();
      peer.end();
      await opened.told.seen('end');
      stream.write(Buffer.from('body'));
      stream.end(['grpc-status', '0', 'x-bin', 'AAE=']);
      assert.equal(await peer.ending(), 'end');
      const trailers = peer.trailers();
      if (trailers !== undefined) assert.deepEqual(trailers, { 'grpc-status': '0', 'x-bin': 'AAE=' });
    });

    test('after pause nothing is told until resume', async () => {
      await using opened = await kind.open();
      const { stream, told, peer } = opened;
      stream.resume();
      peer.send('one');
      await told.until(() => told.body === 'one');
      stream.pause();
      peer.send('two');
      await peer.settled();
      assert.equal(told.body, 'one');
      stream.resume();
      await told.until(() => told.body === 'onetwo');
    });

    test('a message that is complete before the reader comes back is told whole, with its trailers', async () => {
      await using opened = await kind.open();
      opened.peer.send('late reader');
      opened.peer.end([['x-sum', '11']]);
      await opened.peer.settled();
      opened.stream.resume();
      await opened.told.seen('end');
      assert.equal(opened.told.body, 'late reader');
      assert.deepEqual(opened.told.trailers, ['x-sum', '11']);
    });

    test('write says false when the peer takes nothing, and onDrain when it does again', async () => {
      await using opened = await kind.open();
      const { stream, told, peer } = opened;
      peer.stall();
      const chunk = Buffer.alloc(64 * 1024, 'x');
      let written = 0;
      // What the kernel takes is not ours to say; it takes megabytes on loopback, not gigabytes.
      while (written < 64 * 2 ** 20) {
        written += chunk.length;
        if (!stream.write(chunk)) {
          await peer.settled();
          if (told.drains === 0) break;
          told.drains = 0;
        }
      }
      assert.ok(written < 64 * 2 ** 20, 'there is no back-pressure');
      assert.equal(told.drains, 0);
      peer.take();
      await told.until(() => told.drains === 1);
      assert.equal(await peer.received(written), written);
    });

    test('a message that ended with its head has no data and no end', async () => {
      await using opened = await kind.open({ peerEnded: true });
      const { stream, told, peer } = opened;
      stream.resume();
      stream.write(Buffer.from('x'));
      stream.end();
      assert.equal(await peer.ending(), 'end');
      await told.seen('close');
      assert.deepEqual(told.events, ['close']);
    });

    test('our message may end with its head', async () => {
      await using opened = await kind.open({ localEnded: true });
      const { stream, told, peer } = opened;
      stream.resume();
      assert.equal(await peer.ending(), 'end');
      peer.send('still coming');
      peer.end();
      await told.seen('close');
      assert.deepEqual(told.events.at(-1), 'close');
      assert.deepEqual(told.resets, []);
    });

    test('a lost connection is a reset, never an end', async () => {
      await using opened = await kind.open();
      const { stream, told, peer } = opened;
      stream.resume();
      peer.send('half');
      await told.until(() => told.body === 'half');
      peer.vanish();
      await told.seen('close');
      assert.deepEqual(told.events, ['data', 'reset', 'close']);
      assert.equal(told.resets[0]!.by, 'connection');
      assert.equal(told.resets[0]!.unprocessed, false);
    });

    test('a connection lost while the reader is paused is a reset, never an end', async () => {
      await using opened = await kind.open();
      const { told, peer } = opened;
      peer.send('half');
      await peer.settled();
      peer.vanish();
      await told.seen('close');
      opened.stream.resume();
      assert.deepEqual(told.events.slice(-2), ['reset', 'close']);
      assert.ok(!told.events.includes('end'));
    });

    test('reset from here ends both directions: the peer sees no end, we hear nothing more but close', async () => {
      await using opened = await kind.open();
      const { stream, told, peer } = opened;
      stream.resume();
      peer.send('x');
      stream.write(Buffer.from('xxxx'));
      await peer.received(4);
      await told.until(() => told.body === 'x');
      stream.reset(8);
      assert.equal(await peer.ending(), kind.http2 ? 'reset 8' : 'broken');
      await told.seen('close');
      assert.deepEqual(told.events, ['data', 'close']);
    });

    test('what is written, ended or reset after a reset does no harm', async () => {
      await using opened = await kind.open();
      const { stream, told } = opened;
      stream.resume();
      stream.reset(2);
      assert.equal(stream.write(Buffer.from('late')), true);
      stream.end(['x-late', '1']);
      stream.reset(8);
      stream.pause();
      stream.resume();
      await told.seen('close');
      stream.write(Buffer.from('later'));
      stream.end();
      stream.reset(2);
      assert.deepEqual(told.events, ['close']);
    });

    test('nobody is told anything after close', async () => {
      await using opened = await kind.open();
      const { stream, told, peer } = opened;
      stream.resume();
      peer.vanish();
      await told.seen('close');
      const { length } = told.events;
      stream.resume();
      stream.reset(2);
      assert.equal(told.events.length, length);
      assert.notEqual(stream.receiver, told);
    });

    if (kind.http2) http2Contract(kind);
  });
}

/** What both sides of a Node `Http2Stream` share behind the stream contract. Server and client sides are made of it. */

import type { ClientHttp2Stream, Http2Session, ServerHttp2Stream } from 'node:http2';
import { Duplex } from 'node:stream';
import { type Fields, type MessageStream, NOBODY, type Receiver, ResetCode } from '../core/raw.ts';

/** Node passes the flat, lower-case field list last to `response`, `headers`, `trailers` and `stream`. */
export type NodeFields = string[];

/** Turns a flat list into the object that `sendTrailers` wants; repeated names become arrays. */
function trailerObject(fields: Fields): Record<string, string | string[]> {
  const out: Record<string, string | string[]> = {};
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    const value = fields[i + 1]!;
    const before = out[name];
    out[name] = before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value];
  }
  return out;
}

/** Set on a stream of Node when END_STREAM came. */
const END_STREAM = Symbol('END_STREAM');

/** `push` as it is, but a null that comes while the stream is open is remembered as END_STREAM. */
function pushRemembering(this: NodeStream, chunk: unknown, encoding?: BufferEncoding): boolean {
  if (chunk === null && !this.closed) this[END_STREAM] = true;
  return Duplex.prototype.push.call(this, chunk, encoding);
}

type NodeStream = (ServerHttp2Stream | ClientHttp2Stream) & { [END_STREAM]?: boolean };

/**
 * One HTTP/2 stream of Node as a MessageStream. Measured on Node 26.10 and the reason for what follows:
 * - A peer's RST_STREAM, whatever its code, and a lost connection also end the readable side with `end` and no error
 *   (nodejs/node#35209), and END_STREAM with RST_STREAM(NO_ERROR) right behind it, which is how Go's server ends an
 *   answer before the request has ended, looks the same to a paused reader. What differs is the moment at which Node
 *   pushes the null: before the stream is closed where END_STREAM came, after it where the message was cut.
 * - Without `waitForTrailers`, `close(code)` on an open writable side first sends an empty DATA frame with END_STREAM:
 *   a cut message would look complete. With it, `close(code)` is a clean RST_STREAM.
 */
export abstract class NodeHttp2Stream implements MessageStream {
  receiver: Receiver = NOBODY;
  protected readonly stream: ServerHttp2Stream | ClientHttp2Stream;
  /** Kept here because Node forgets it before `close`. */
  readonly #session: Http2Session | undefined;
  /** Bytes of body still to come by Content-Length; NaN where there is none. */
  protected expected = Number.NaN;
  /** The peer's message is complete, or will not come. */
  protected peerDone = false;
  /** Our message is complete. */
  #localDone = false;
  #listening = false;
  #resetHere = false;
  #trailersIn: Fields | undefined;
  #trailersOut: Fields | undefined;

  /** `hears`: a message of the peer is still to come, with its end and its trailers. */
  constructor(stream: ServerHttp2Stream | ClientHttp2Stream, hears: boolean) {
    this.stream = stream;
    this.#session = stream.session;
    if (hears) {
      // A whole packet is read before a stream is announced: its end may be here already.
      const { _readableState } = stream as unknown as { _readableState: { ended: boolean } };
      if (_readableState.ended && !stream.closed) (stream as NodeStream)[END_STREAM] = true;
      stream.push = pushRemembering;
      stream.on('trailers', (_headers: unknown, _flags: unknown, fields: NodeFields) => {
        this.#trailersIn = fields;
      });
    }
    // What matters of an error stands in rstCode when `close` comes; without a listener it would end the process.
    stream.on('error', (error: Error) => {
      this.#cause = error;
    });
    stream.on('close', () => this.#closed());
  }

  /** Our message may end with trailers: for requests and answers whose body comes piece by piece. */
  protected speaksInPieces(): void {
    const { stream } = this;
    stream.on('drain', () => this.receiver.onDrain());
    stream.on('wantTrailers', () => {
      // The stream may have died between the event and its hop to JavaScript.
      if (stream.destroyed || stream.closed) return;
      try {
        stream.sendTrailers(this.#trailersOut === undefined ? {} : trailerObject(this.#trailersOut));
        this.endGiven();
      } catch (error) {
        // A field twice that Node lets out once: thrown from an event it would end the process.
        this.#cause = error as Error;
        stream.close(ResetCode.INTERNAL_ERROR);
      }
    });
  }

  #cause: Error | undefined;

  write(chunk: Uint8Array): boolean {
    if (this.#resetHere || this.stream.destroyed || this.stream.closed) return true;
    return this.stream.write(chunk);
  }

  end(trailers?: Fields): void {
    if (this.#resetHere) return;
    this.#localDone = true;
    this.#trailersOut = trailers;
    if (this.stream.destroyed || this.stream.closed) return;
    this.stream.end();
  }

  reset(code: number): void {
    if (this.#resetHere || this.stream.destroyed) return;
    this.#resetHere = true;
    this.peerDone = true;
    // Not now: we may be inside of nghttp2's callbacks, and there `close` on a stream whose peer has ended fails an
    // assertion of Node 26.10 that takes the process (Http2Stream::OnTrailers, `!this->is_destroyed()`).
    setImmediate(() => {
      if (this.stream.destroyed) return;
      if (!this.stream.closed) this.stream.close(code);
      // What nobody reads would keep the stream from closing, also where the peer has ended it meanwhile.
      this.stream.resume();
    });
  }

  pause(): void {
    if (this.#listening) this.stream.pause();
  }

  resume(): void {
    if (this.peerDone) return;
    if (!this.#listening) {
      this.#listening = true;
      this.stream.on('data', (chunk: Buffer) => {
        this.expected -= chunk.length;
        if (!this.#resetHere) this.receiver.onData(chunk);
      });
      this.stream.on('end', () => this.#ended());
    }
    this.stream.resume();
  }

  #ended(): void {
    if (this.peerDone) return;
    // Node's own server may reset with NO_ERROR before its END_STREAM is out; a met Content-Length proves the end, too.
    const complete = (this.stream as NodeStream)[END_STREAM] === true || this.expected === 0;
    if (!complete || this.expected > 0) return; // `close` will tell
    this.peerDone = true;
    this.receiver.onEnd(this.#trailersIn);
  }

  /** The end of our message was given to Node, which sends it in a later turn of the event loop. */
  protected endGiven(): void {}

  /** Marks our message as complete where it ended with its head. */
  protected markLocalDone(): void {
    this.#localDone = true;
  }

  /** Whether the peer certainly did nothing with this stream. */
  protected unprocessed(code: number): boolean {
    return code === ResetCode.REFUSED_STREAM;
  }

  #closed(): void {
    if (!this.#resetHere) {
      const code = this.stream.rstCode ?? ResetCode.NO_ERROR;
      const { peerDone } = this;
      this.peerDone = true;
      if (!peerDone || !this.#localDone || code !== ResetCode.NO_ERROR) {
        const lost = this.#session === undefined || this.#session.destroyed;
        this.receiver.onReset({
          code,
          unprocessed: this.unprocessed(code),
          by: lost ? 'connection' : 'peer',
          ...(this.#cause && { cause: this.#cause }),
        });
      }
    }
    const { receiver } = this;
    this.receiver = NOBODY;
    receiver.onClose();
    this.closed();
  }

  /** After `onClose`. */
  protected closed(): void {}
}

import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { constants } from 'node:http2';
import { setTimeout as after } from 'node:timers/promises';
import type { RequestRecord } from './ledger.ts';
import type { Connection, Listener } from './listener.ts';
import type { Visit } from './visit.ts';

/** Which requests a failure is for, and how often it happens. */
interface Aim {
  /** The requests it is for; all of them when left out. */
  readonly match?: (record: RequestRecord) => boolean;
  /** How many requests it happens to before it is over; no end when left out. */
  readonly times?: number;
}

/** A way to fail. */
export type Failure =
  /** Stops listening and cuts all connections: connections are refused until `heal`. */
  | { readonly mode: 'refuse' }
  /** Accepts connections and never says a word on them: no SETTINGS, no answer. */
  | { readonly mode: 'mute' }
  /** Stops reading from the connections there are: no PING is answered any more. */
  | { readonly mode: 'freeze' }
  /** Cuts all connections that are open, once. */
  | { readonly mode: 'cut' }
  /** Sends GOAWAY on all sessions, once. */
  | ({ readonly mode: 'goaway' } & Goaway)
  /** `/debug/ready` answers 412. */
  | { readonly mode: 'unready'; readonly message?: string }
  /** Takes requests and never answers. */
  | ({ readonly mode: 'hang' } & Aim)
  /** Waits before it deals with a request. */
  | ({ readonly mode: 'slow'; readonly ms: number } & Aim)
  /** Resets streams with REFUSED_STREAM before anything is done; HTTP/1.1 connections are closed. */
  | ({ readonly mode: 'refuse-streams' } & Aim)
  /**
   * Resets the answer after so many bytes of its body, before its head when left out. With Infinity the whole body is
   * sent but not its end. The code is that of RST_STREAM, INTERNAL_ERROR when left out.
   */
  | ({ readonly mode: 'reset'; readonly afterBytes?: number; readonly code?: number } & Aim)
  /** Answers with a plain HTTP status and text, as a proxy in between would. */
  | ({ readonly mode: 'answer'; readonly status: number; readonly headers?: OutgoingHttpHeaders } & Aim);

/** A GOAWAY frame and what follows it (RFC 9113 section 6.8). */
export interface Goaway {
  /** NO_ERROR when left out. */
  readonly code?: number;
  /** The last stream that was or might be processed; the last one seen when left out. Later ones are refused. */
  readonly lastStreamId?: number;
  readonly debugData?: string;
  /**
   * What becomes of the connection: it stays, it is closed when its streams have ended, or at once. Closed with the
   * streams when left out, at once for a code that is an error.
   */
  readonly afterwards?: 'stay' | 'close' | 'destroy';
}

interface Active {
  readonly failure: Failure & Aim;
  left: number;
}

/** The ways in which the stand-in fails at the moment. */
export class Failures {
  /** Called with false when the stand-in is to report itself unready, and with true when it has healed. */
  onReady: (ready: boolean) => void = () => {};
  readonly #listener: Listener;
  readonly #active: Active[] = [];
  readonly #frozen = new Set<Connection>();

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  /** The message of an unready stand-in, or undefined when it is ready. */
  get unready(): string | undefined {
    const active = this.#active.find(({ failure }) => failure.mode === 'unready');
    if (active?.failure.mode !== 'unready') return undefined;
    return active.failure.message ?? 'failed to connect to `user=zitadel database=zitadel`: dial error';
  }

  /** Begins to fail; resolves when what happens at once has happened. */
  async begin(failure: Failure): Promise<void> {
    const listener = this.#listener;
    if (failure.mode === 'cut') return listener.cut();
    if (failure.mode === 'goaway') return sendGoaway(listener, failure);
    const { times } = failure as Aim;
    this.#active.push({ failure, left: times ?? Number.POSITIVE_INFINITY });
    if (failure.mode === 'refuse') await listener.stop();
    if (failure.mode === 'mute') listener.accept = 'mute';
    if (failure.mode === 'freeze') for (const connection of listener.connections) this.#freeze(connection);
    if (failure.mode === 'unready') this.onReady(false);
  }

  /** Ends all failures. */
  async heal(): Promise<void> {
    this.#active.length = 0;
    this.#listener.accept = 'serve';
    for (const connection of this.#frozen) if (!connection.socket.destroyed) handleOf(connection)?.readStart();
    this.#frozen.clear();
    this.onReady(true);
    await this.#listener.restart();
  }

  /** Lets a request meet the failure it is due. True when the request is not to be dealt with any further. */
  async meet(visit: Visit, record: RequestRecord): Promise<boolean> {
    const { refuseAbove } = visit.connection;
    if (refuseAbove !== undefined && record.streamId > refuseAbove) return refuseStream(visit);
    const active = this.#take(record);
    if (!active) return false;
    const { failure } = active;
    switch (failure.mode) {
      case 'hang':
        visit.request.resume();
        return true;
      case 'slow':
        await after(failure.ms);
        return visit.gone;
      case 'refuse-streams':
        return refuseStream(visit);
      case 'answer':
        visit.error(failure.status, `${failure.status}`, failure.headers);
        return true;
      case 'reset': {
        const code = failure.code ?? constants.NGHTTP2_INTERNAL_ERROR;
        if (failure.afterBytes === undefined) {
          visit.reset(code);
          return true;
        }
        resetAfter(visit, failure.afterBytes, code);
        return false;
      }
      default:
        return false;
    }
  }

  #take(record: RequestRecord): Active | undefined {
    const active = this.#active.find(
      ({ failure, left }) => left > 0 && REQUEST_MODES.has(failure.mode) && (failure.match?.(record) ?? true),
    );
    if (active) active.left -= 1;
    return active;
  }

  #freeze(connection: Connection): void {
    this.#frozen.add(connection);
    // node:http2 forbids to pause a session's socket, so the handle under it is told.
    handleOf(connection)?.readStop();
  }
}

const REQUEST_MODES: ReadonlySet<Failure['mode']> = new Set(['hang', 'slow', 'refuse-streams', 'reset', 'answer']);

function refuseStream(visit: Visit): true {
  visit.reset(constants.NGHTTP2_REFUSED_STREAM);
  return true;
}

interface Handle {
  readStart(): void;
  readStop(): void;
}

function handleOf({ socket }: Connection): Handle | undefined {
  return (socket as unknown as { _handle?: Handle })._handle;
}

function sendGoaway(listener: Listener, goaway: Goaway): void {
  const code = goaway.code ?? constants.NGHTTP2_NO_ERROR;
  const afterwards = goaway.afterwards ?? (code === constants.NGHTTP2_NO_ERROR ? 'close' : 'destroy');
  for (const connection of listener.connections) {
    const { session, socket, streams } = connection;
    if (!session || session.destroyed) continue;
    const last = goaway.lastStreamId ?? Math.max(0, ...Array.from(streams, ({ id }) => id ?? 0));
    connection.refuseAbove = last;
    const debugData = Buffer.from(goaway.debugData ?? '');
    // By hand in the clear, on the socket under the session: nghttp2 takes a last stream 0 for "the last one seen", and
    // writes in a later turn of the event loop. Over TLS there is no other way than its own.
    const isEncrypted = 'encrypted' in session.socket && session.socket.encrypted;
    if (isEncrypted) session.goaway(code, last, debugData);
    else socket.write(goawayFrame(code, last, debugData));
    for (const stream of streams) if ((stream.id ?? 0) > last) stream.close(constants.NGHTTP2_REFUSED_STREAM);
    if (afterwards === 'destroy') setImmediate(() => socket.destroySoon());
    if (afterwards === 'close') endWhenIdle(connection);
  }
}

/** Closes a connection once its streams have ended. Not by `session.close`, which would send a GOAWAY of its own. */
function endWhenIdle({ socket, streams }: Connection): void {
  const end = () => void (streams.size === 0 && setImmediate(() => socket.destroySoon()));
  for (const stream of streams) stream.once('close', end);
  end();
}

function goawayFrame(code: number, lastStreamId: number, debugData: Uint8Array): Buffer {
  const head = Buffer.alloc(17);
  head.writeUIntBE(8 + debugData.length, 0, 3);
  head.writeUInt8(7, 3);
  head.writeUInt32BE(lastStreamId, 9);
  head.writeUInt32BE(code, 13);
  return Buffer.concat([head, debugData]);
}

/** Lets so many bytes of the answer's body out, then resets it in place of its end or of more. */
function resetAfter(visit: Visit, afterBytes: number, code: number): void {
  const { reply } = visit;
  const write = reply.write.bind(reply) as (chunk: Uint8Array, done: () => void) => boolean;
  let left = afterBytes;
  let cut = false;
  const reset = () => visit.reset(code);
  const limited = (chunk: unknown, ...rest: unknown[]): boolean => {
    const done = rest.find((argument) => typeof argument === 'function') as (() => void) | undefined;
    if (cut) return false;
    const bytes = Buffer.from(chunk as Uint8Array);
    cut = bytes.length >= left;
    const out = cut ? bytes.subarray(0, left) : bytes;
    left -= out.length;
    return write(out, () => {
      done?.();
      if (cut) reset();
    });
  };
  reply.write = limited as ServerResponse['write'];
  reply.end = ((chunk?: unknown) => {
    if (chunk !== undefined && typeof chunk !== 'function') limited(chunk);
    if (!cut) {
      cut = true;
      if (!reply.headersSent) reply.flushHeaders();
      // After what was written before, so that it is not lost.
      write(Buffer.alloc(0), reset);
    }
    return reply;
  }) as ServerResponse['end'];
}

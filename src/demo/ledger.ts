import { EventEmitter } from 'node:events';
import { constants, type ServerHttp2Stream } from 'node:http2';
import type { Protocol, Visit } from './visit.ts';

/** What is remembered of one request. */
export interface RequestRecord {
  readonly id: number;
  readonly method: string;
  /** The request target as it came, query included. */
  readonly target: string;
  /** The target without its query. */
  readonly path: string;
  readonly protocol: Protocol;
  readonly authority: string;
  /** Names and values in turn, as they came; over HTTP/2 with the pseudo-header fields. */
  readonly rawHeaders: readonly string[];
  /** Number of the connection it came by. */
  readonly connection: number;
  /** HTTP/2 stream id, 0 over HTTP/1.1. */
  readonly streamId: number;
  /** Bytes of the body that arrived. */
  readonly bytes: number;
  /** Whether the body's end was seen: END_STREAM, the last chunk, or all of Content-Length. */
  readonly bodyComplete: boolean;
  /** Trailers of the request, names and values in turn. */
  readonly trailers: readonly string[];
  /** Status answered, once it is. */
  readonly status: number | undefined;
  /** How it ended; undefined while it runs. */
  readonly ended: 'complete' | 'aborted' | undefined;
  /** RST_STREAM code of an aborted HTTP/2 request. */
  readonly rstCode: number | undefined;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type Pushing = { push(chunk: Uint8Array | null, encoding?: BufferEncoding): boolean };

/** The bounded list of what the stand-in received, oldest first. */
export class Ledger {
  readonly records: RequestRecord[] = [];
  readonly #keep: number;
  readonly #changes = new EventEmitter<{ change: [RequestRecord] }>().setMaxListeners(0);
  #ids = 0;

  /** How many requests there have been. */
  get total(): number {
    return this.#ids;
  }

  constructor(keep: number) {
    this.#keep = keep;
  }

  /** The first record that fits, now or when it comes; a record is looked at again whenever it changes. */
  waitFor(predicate: (record: RequestRecord) => boolean, signal?: AbortSignal): Promise<RequestRecord> {
    const known = this.records.find(predicate);
    if (known) return Promise.resolve(known);
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const forget = () => {
        this.#changes.off('change', onChange);
        signal?.removeEventListener('abort', onAbort);
      };
      const onChange = (record: RequestRecord) => {
        if (!predicate(record)) return;
        forget();
        resolve(record);
      };
      const onAbort = () => {
        forget();
        reject(signal?.reason);
      };
      this.#changes.on('change', onChange);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Opens the record of a visit and keeps it up to date until the visit has ended. */
  open(visit: Visit): RequestRecord {
    const { request, reply, stream } = visit;
    this.#ids += 1;
    const record: Writable<RequestRecord> = {
      id: this.#ids,
      method: visit.method,
      target: visit.target,
      path: visit.target.split('?', 1)[0] ?? '',
      protocol: visit.protocol,
      authority: visit.authority,
      rawHeaders: request.rawHeaders,
      connection: visit.connection.id,
      streamId: stream?.id ?? 0,
      // node:http2 tells of a stream after it has read the whole packet, so that a part of the body may be there.
      bytes: stream?.readableLength ?? 0,
      bodyComplete: stream !== undefined && hasEnded(stream),
      trailers: [],
      status: undefined,
      ended: undefined,
      rstCode: undefined,
    };
    this.records.push(record);
    if (this.records.length > this.#keep) this.records.shift();
    const changed = () => void this.#changes.emit('change', record);

    // Counted where the bytes come in, since a 'data' listener would set the body flowing before its reader is there.
    const source = (stream ?? request) as Pushing;
    const push = source.push;
    source.push = (chunk, encoding) => {
      if (chunk) record.bytes += chunk.length;
      // A stream that was reset gets a null too, but it is closed by then.
      else if (stream ? !stream.closed : request.complete) record.bodyComplete = true;
      changed();
      return push.call(source, chunk, encoding);
    };
    request.once('end', () => {
      record.trailers = request.rawTrailers;
      changed();
    });
    reply.once('close', () => {
      record.status = reply.headersSent ? reply.statusCode : undefined;
      record.trailers = request.rawTrailers;
      const cut = stream ? stream.aborted || (stream.rstCode ?? 0) !== 0 : !reply.writableFinished;
      record.ended = cut ? 'aborted' : 'complete';
      record.rstCode = cut && stream ? stream.rstCode : undefined;
      changed();
    });
    changed();
    return record;
  }
}

function hasEnded(stream: ServerHttp2Stream): boolean {
  return stream.endAfterHeaders || stream.state.state === constants.NGHTTP2_STREAM_STATE_HALF_CLOSED_REMOTE;
}

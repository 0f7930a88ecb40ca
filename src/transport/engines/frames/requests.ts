/** Header blocks of a client: each opens a request, ends one with trailers, or is refused. RFC 9113 section 8.1. */

import type { Connection, RawReply, RawRequest } from '../../../core/raw.ts';
import type { Floods } from '../../../http2/floods.ts';
import { HpackDecoder } from '../../../http2/hpack/decoder.ts';
import type { Messages } from '../../../http2/incoming.ts';
import type { StreamOwner } from '../../../http2/message.ts';
import { ConnectionError, DEFAULT_WINDOW_BYTES, ErrorCodes } from '../../../http2/protocol.ts';
import type { Sender } from '../../../http2/sender.ts';
import type { Streams } from '../../../http2/streams.ts';
import { type ConnectionBudget, RAPID_MS, type Spending } from '../../budgets.ts';
import { H2Request } from '../../h2.ts';
import { StreamReply } from '../../reply.ts';
import type { SessionEnd } from '../../session-end.ts';
import type { EngineLimits } from '../engine.ts';
import { goodTrailers, readHead } from './request-head.ts';
import { FrameStream } from './stream.ts';

/** More header fields than this are not read at all; a limit of the config, which is answered, lies far below. */
const MOST_FIELDS = 2048;
/** How much larger a header may be than the limits of the config and still be answered, in bytes. */
const SPARE_BYTES = 65_536;
/** The table that the client's fields are kept in; what every peer begins with. */
const TABLE_BYTES = 4096;

/** What requests need of their connection. */
export interface RequestsOptions {
  readonly connection: Connection;
  readonly owner: StreamOwner;
  readonly sender: Sender;
  readonly streams: Streams<FrameStream>;
  readonly floods: Floods;
  readonly limits: EngineLimits;
  readonly budget: ConnectionBudget | undefined;
  /** Requests are not accepted any more: those above this id are not looked at. */
  lastAccepted(): number;
  opened(): void;
  /** A budget is used up: the connection ends. */
  overspent(end: SessionEnd): void;
  onRequest(request: RawRequest, reply: RawReply): void;
  onDefect(connection: Connection, defect: unknown): void;
}

/** The bytes of a header, uncompressed, that are read. */
export function mostHeaderBytes({ maxHeaderBytes, maxUrlBytes }: EngineLimits): number {
  return maxHeaderBytes + maxUrlBytes + SPARE_BYTES;
}

/** The requests of one connection. */
export class Requests implements Messages<FrameStream> {
  readonly #options: RequestsOptions;
  readonly #decoder: HpackDecoder;
  /** The window that the peer gives to a new stream, in bytes. */
  sendWindow = DEFAULT_WINDOW_BYTES;
  /** The client knows our SETTINGS. */
  #acknowledged = false;

  constructor(options: RequestsOptions) {
    this.#options = options;
    this.#decoder = new HpackDecoder({
      maxTableBytes: TABLE_BYTES,
      maxHeaderBytes: mostHeaderBytes(options.limits),
      maxFields: MOST_FIELDS,
    });
  }

  acknowledged(): void {
    this.#acknowledged = true;
    this.#decoder.acknowledged();
  }

  /** A header block, whole. Each is decoded, whatever becomes of it: the next one builds on it. */
  take(id: number, block: Buffer, ended: boolean): void {
    const { streams, floods, limits, lastAccepted } = this.#options;
    const { fields, exceeded, bytes } = this.#decoder.decode(block);
    if (id <= streams.last) {
      this.spend('header_bytes', bytes);
      this.#trailers(id, fields, ended, exceeded !== undefined);
      return;
    }
    streams.last = id;
    if (id > lastAccepted()) {
      floods.ignored.take();
      streams.sever(id);
      return;
    }
    streams.lastTaken = id;
    if (streams.size >= limits.maxConcurrentStreams) {
      const limit = 'limits.max_concurrent_streams';
      if (this.#acknowledged) throw new ConnectionError('PROTOCOL_ERROR', 'more streams than were allowed', limit);
      floods.refused.take();
      this.#refuse(id, ErrorCodes.REFUSED_STREAM);
      return;
    }
    const headers = exceeded === undefined ? readHead(fields, ended) : undefined;
    if (headers === undefined) {
      this.#refuse(id, exceeded === undefined ? ErrorCodes.PROTOCOL_ERROR : ErrorCodes.ENHANCE_YOUR_CALM);
      floods.resets.take();
      this.spend('header_bytes', bytes);
      this.spend('malformed');
      return;
    }
    floods.request();
    this.#open(id, fields, headers, ended);
  }

  /** RST_STREAM of the client. */
  reset(stream: FrameStream, code: number): void {
    this.hasty(stream);
    stream.takeReset({ code, by: 'peer', unprocessed: code === ErrorCodes.REFUSED_STREAM });
  }

  /** A stream is reset by its client's doing: what was done for it was for nothing, if it comes early. */
  hasty(stream: FrameStream): void {
    this.#options.floods.resets.take();
    if (stream.young(performance.now(), RAPID_MS)) this.spend('resets');
  }

  /** The connection broke the protocol: it ends anyway, and its address pays for it. */
  broken(): void {
    this.#options.budget?.spend('malformed');
  }

  spend(what: Spending, cost = 1): void {
    const excess = this.#options.budget?.spend(what, cost);
    if (excess !== undefined) this.#options.overspent(excess);
  }

  #refuse(id: number, code: number): void {
    this.#options.streams.sever(id);
    this.#options.sender.reset(id, code);
  }

  #open(id: number, fields: string[], headers: NonNullable<ReturnType<typeof readHead>>, ended: boolean): void {
    const { connection, owner, streams, limits, budget } = this.#options;
    const stream = new FrameStream(id, owner, {
      ended,
      contentLength: headers['content-length'],
      sendWindow: this.sendWindow,
      receiveWindow: limits.streamWindowBytes,
      now: performance.now(),
    });
    streams.add(stream);
    this.#options.opened();
    try {
      const request = new H2Request(stream, headers, fields, connection, limits);
      const excess = budget?.request(request);
      if (excess !== undefined) {
        this.#options.overspent(excess);
        return;
      }
      this.#options.onRequest(request, new StreamReply(stream, request.method));
    } catch (defect) {
      stream.reset(ErrorCodes.INTERNAL_ERROR);
      this.#options.onDefect(connection, defect);
    }
  }

  #trailers(id: number, fields: string[], ended: boolean, exceeded: boolean): void {
    const { streams, floods, owner } = this.#options;
    const stream = streams.get(id);
    if (stream === undefined) {
      if (!streams.severed(id)) throw new ConnectionError('STREAM_CLOSED', 'HEADERS on a closed stream');
      floods.ignored.take();
    } else if (stream.remoteDone) {
      owner.broken(stream, ErrorCodes.STREAM_CLOSED);
    } else if (!ended || exceeded || !goodTrailers(fields)) owner.broken(stream, ErrorCodes.PROTOCOL_ERROR);
    else stream.takeEnd(fields);
  }
}

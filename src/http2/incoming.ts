/** What each frame of a peer does, RFC 9113 section 6. What makes or ends a message is dealt with by its side. */

import type { Allowances } from './floods.ts';
import { HeaderBlock } from './header-block.ts';
import type { FrameMessage, StreamOwner } from './message.ts';
import { ConnectionError, ErrorCodes, Flag, FrameType, MAX_31, SettingId } from './protocol.ts';
import type { ReceiveWindow } from './receive-window.ts';
import type { Sender } from './sender.ts';
import { readSettings } from './settings.ts';
import type { Streams } from './streams.ts';

const NOTHING = new Uint8Array(0);

/** The messages of a peer: requests of a client, answers of a server. */
export interface Messages<S extends FrameMessage> {
  /** The window that the peer gives to a new stream, in bytes. */
  sendWindow: number;
  /** A header block, whole, on a stream that may be new. */
  take(stream: number, block: Buffer, ended: boolean): void;
  /** RST_STREAM of the peer. */
  reset(stream: S, code: number): void;
  /** The peer knows our SETTINGS. */
  acknowledged(): void;
}

/** Who looks at how long things take on a connection. */
export interface Pulse {
  /** A header block has begun, and nothing else can come before it is complete. */
  blockBegun(): void;
  blockEnded(): void;
  acknowledged(): void;
  /** Nothing is open, and the peer has shown that it lives. */
  quiet(): void;
}

/** What reading frames needs of its connection. */
export interface IncomingOptions<S extends FrameMessage> {
  readonly owner: StreamOwner;
  readonly sender: Sender;
  readonly streams: Streams<S>;
  readonly messages: Messages<S>;
  readonly floods: Allowances;
  readonly pulse: Pulse;
  readonly window: ReceiveWindow;
  /** Bytes of one header block, compressed. */
  readonly maxBlockBytes: number;
  /** A setting of the peer, beside that of windows; its number is in SettingId, or unknown. */
  setting(id: number, value: number): void;
  /** A SETTINGS frame was read to its end. */
  settled?(): void;
  /** A PING of ours was answered. */
  pong(): void;
  /** The peer goes; requests above the last id were not processed. */
  goaway(last: number, code: number): void;
}

/** The frames of one connection, in their order. ConnectionError where the connection must end. */
export class Incoming<S extends FrameMessage> {
  readonly #options: IncomingOptions<S>;
  readonly #block: HeaderBlock;
  #begun = false;

  constructor(options: IncomingOptions<S>) {
    this.#options = options;
    this.#block = new HeaderBlock(options.maxBlockBytes);
  }

  /** A frame, or a part of a DATA frame: its payload is `bytes` from `start` to `end`. */
  frame(type: number, flags: number, stream: number, bytes: Buffer, start: number, end: number): void {
    if (this.#block.stream !== 0 && (type !== FrameType.CONTINUATION || stream !== this.#block.stream)) {
      throw broken('a header block is not ended by CONTINUATION');
    }
    if (!this.#begun) {
      if (type !== FrameType.SETTINGS || (flags & Flag.ACK) !== 0) throw broken('the first frame is not SETTINGS');
      this.#begun = true;
    }
    switch (type) {
      case FrameType.DATA:
        this.#data(flags, stream, bytes, start, end);
        break;
      case FrameType.HEADERS:
        this.#headers(flags, stream, bytes, start, end);
        break;
      case FrameType.CONTINUATION:
        this.#continuation(flags, bytes, start, end);
        break;
      case FrameType.RST_STREAM:
        this.#reset(stream, bytes, start, end);
        break;
      case FrameType.SETTINGS:
        this.#settings(flags, stream, bytes, start, end);
        break;
      case FrameType.PING:
        this.#ping(flags, stream, bytes, start, end);
        break;
      case FrameType.WINDOW_UPDATE:
        this.#windowUpdate(stream, bytes, start, end);
        break;
      case FrameType.GOAWAY:
        if (stream !== 0) throw broken('GOAWAY on a stream');
        if (end - start < 8) throw wrongSize('GOAWAY');
        this.#options.floods.ignored.take();
        this.#options.goaway(bytes.readUInt32BE(start) & MAX_31, bytes.readUInt32BE(start + 4));
        break;
      case FrameType.PUSH_PROMISE:
        throw broken('PUSH_PROMISE, which nobody may send');
      case FrameType.PRIORITY:
        if (stream === 0) throw broken('PRIORITY on stream 0');
        if (end - start !== 5) throw wrongSize('PRIORITY');
        this.#options.floods.ignored.take();
        break;
      default:
        // Unknown types are extensions: section 5.5.
        this.#options.floods.ignored.take();
    }
  }

  #data(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    const { owner, streams, floods, window } = this.#options;
    if (id === 0) throw broken('DATA on stream 0');
    const flow = end - start;
    const [from, to] = (flags & Flag.PADDED) === 0 ? [start, end] : unpadded(bytes, start, end);
    if (!window.take(flow))
      throw new ConnectionError('FLOW_CONTROL_ERROR', 'more DATA than the window of the connection');
    const stream = streams.get(id);
    if (stream === undefined) {
      if (streams.idle(id)) throw broken('DATA on a stream that was not opened');
      if (!streams.severed(id)) throw new ConnectionError('STREAM_CLOSED', 'DATA on a closed stream');
      if ((flags & Flag.PART) === 0) floods.ignored.take();
      owner.consumed(undefined, flow);
      return;
    }
    if (stream.remoteDone || !stream.incoming.take(flow)) {
      owner.consumed(undefined, flow);
      this.#options.owner.broken(stream, stream.remoteDone ? ErrorCodes.STREAM_CLOSED : ErrorCodes.FLOW_CONTROL_ERROR);
      return;
    }
    const ended = (flags & Flag.END_STREAM) !== 0;
    const length = to - from;
    if (length < flow) owner.consumed(stream, flow - length);
    if (length > 0) stream.takeData(bytes, from, to);
    else if (!ended) floods.empty.take();
    // Whoever was told of the data may have ended the stream.
    if (ended && !stream.remoteDone) stream.takeEnd(undefined);
  }

  #headers(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (id % 2 === 0) throw broken("HEADERS on a stream that is no client's");
    let [from, to] = (flags & Flag.PADDED) === 0 ? [start, end] : unpadded(bytes, start, end);
    if ((flags & Flag.PRIORITY) !== 0) {
      from += 5;
      if (from > to) throw broken('HEADERS without its priority');
    }
    const ended = (flags & Flag.END_STREAM) !== 0;
    const piece = bytes.subarray(from, to);
    if ((flags & Flag.END_HEADERS) !== 0) {
      this.#options.messages.take(id, piece, ended);
      return;
    }
    this.#block.begin(id, ended, piece);
    this.#options.pulse.blockBegun();
  }

  #continuation(flags: number, bytes: Buffer, start: number, end: number): void {
    const block = this.#block;
    if (block.stream === 0) throw broken('CONTINUATION without HEADERS');
    block.add(bytes.subarray(start, end));
    if ((flags & Flag.END_HEADERS) === 0) return;
    this.#options.pulse.blockEnded();
    const { stream, ended } = block;
    this.#options.messages.take(stream, block.take(), ended);
  }

  #reset(id: number, bytes: Buffer, start: number, end: number): void {
    const { streams, floods, messages } = this.#options;
    if (end - start !== 4) throw wrongSize('RST_STREAM');
    if (id === 0 || streams.idle(id)) throw broken('RST_STREAM of a stream that was not opened');
    const stream = streams.get(id);
    if (stream === undefined) floods.ignored.take();
    else messages.reset(stream, bytes.readUInt32BE(start));
  }

  #settings(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    const { streams, floods, sender, messages, pulse } = this.#options;
    if (id !== 0) throw broken('SETTINGS on a stream');
    floods.control.take();
    if ((flags & Flag.ACK) !== 0) {
      if (end !== start) throw wrongSize('an ACK of SETTINGS');
      messages.acknowledged();
      pulse.acknowledged();
      return;
    }
    readSettings(bytes, start, end, (setting, value) => {
      if (setting !== SettingId.INITIAL_WINDOW_SIZE) {
        this.#options.setting(setting, value);
        return;
      }
      const change = value - messages.sendWindow;
      messages.sendWindow = value;
      for (const stream of streams.all()) {
        if (!stream.takeWindow(change)) throw new ConnectionError('FLOW_CONTROL_ERROR', 'a window above 2^31-1');
      }
    });
    sender.outbox.control(FrameType.SETTINGS, Flag.ACK, 0, NOTHING);
    this.#options.settled?.();
  }

  #ping(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    const { streams, floods, sender, pulse } = this.#options;
    if (id !== 0) throw broken('PING on a stream');
    if (end - start !== 8) throw wrongSize('PING');
    floods.control.take();
    if ((flags & Flag.ACK) !== 0) {
      this.#options.pong();
      return;
    }
    if (streams.size === 0) pulse.quiet();
    sender.outbox.control(FrameType.PING, Flag.ACK, 0, bytes.subarray(start, end));
  }

  #windowUpdate(id: number, bytes: Buffer, start: number, end: number): void {
    const { streams, floods, sender } = this.#options;
    if (end - start !== 4) throw wrongSize('WINDOW_UPDATE');
    floods.windows.take();
    const more = bytes.readUInt32BE(start) & MAX_31;
    if (id === 0) {
      if (more === 0) throw broken('WINDOW_UPDATE of 0');
      if (!sender.widen(more)) throw new ConnectionError('FLOW_CONTROL_ERROR', 'a window above 2^31-1');
      sender.send();
      return;
    }
    if (streams.idle(id)) throw broken('WINDOW_UPDATE of a stream that was not opened');
    const stream = streams.get(id);
    if (stream === undefined) return;
    if (more === 0) this.#options.owner.broken(stream, ErrorCodes.PROTOCOL_ERROR);
    else if (!stream.takeWindow(more)) this.#options.owner.broken(stream, ErrorCodes.FLOW_CONTROL_ERROR);
  }
}

/** Where a padded payload begins and ends without its padding. */
function unpadded(bytes: Buffer, start: number, end: number): [from: number, to: number] {
  if (start === end) throw wrongSize('a padded frame');
  const to = end - bytes[start]!;
  if (to < start + 1) throw broken('more padding than payload');
  return [start + 1, to];
}

function broken(reason: string): ConnectionError {
  return new ConnectionError('PROTOCOL_ERROR', reason);
}

function wrongSize(what: string): ConnectionError {
  return new ConnectionError('FRAME_SIZE_ERROR', `${what} has not its size`);
}

/** The HTTP/2 engine of Node, on the stream API. */

import {
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Duplex } from 'node:stream';
import { type Connection, ResetCode } from '../../core/raw.ts';
import type { ConnectionBudget, Spending } from '../budgets.ts';
import type { Served } from '../connection-age.ts';
import { H2DownstreamStream, H2Request } from '../h2.ts';
import { StreamReply } from '../reply.ts';
import type { SessionEnd } from '../session-end.ts';
import type { Engine, EngineOptions } from './engine.ts';

/** Node refuses more header fields than this with a bare RST_STREAM; ours is refused with an answer, so it lies far below. */
const NATIVE_HEADER_PAIRS = 2048;

/**
 * A reset is counted by the engine whether it came early or late. So many in a second are let through as a connection may
 * end by deadlines of one second; those that come early have a budget of ours, which is smaller and comes first.
 */
const NATIVE_RESET_BURST = 1000;
const NATIVE_RESET_RATE = 33;

/** A client that has sent nothing for so long, in milliseconds, is not about to. */
const QUIET_MS = 500;

const NO_REQUEST: SessionEnd = { reason: 'no request', limit: 'limits.header_timeout_ms' };
const IDLE: SessionEnd = { reason: 'idle', limit: 'limits.idle_timeout_ms' };

/** Serves HTTP/2 with `node:http2`. */
export function nodeEngine(options: EngineOptions): Engine {
  const { limits } = options;
  /** Each with how it is asked to go. */
  const sessions = new Map<ServerHttp2Session, () => void>();
  let streams = 0;
  let draining = false;
  const sessionOptions = {
    settings: {
      maxConcurrentStreams: limits.maxConcurrentStreams,
      initialWindowSize: limits.streamWindowBytes,
      maxHeaderListSize: limits.maxHeaderBytes + limits.maxUrlBytes,
      enablePush: false,
      // RFC 8441 is not offered: WebSocket comes over HTTP/1.1.
      enableConnectProtocol: false,
    },
    maxHeaderListPairs: NATIVE_HEADER_PAIRS,
    maxSendHeaderBlockLength: 256 * 1024,
    // An origin that says Age or Expires twice is passed on as it is, like over HTTP/1.1: else `respond` would throw.
    strictSingleValueFields: false,
    maxSessionMemory: 32,
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 50,
    maxOutstandingPings: 10,
    maxSettings: 32,
    streamResetBurst: NATIVE_RESET_BURST,
    streamResetRate: Math.max(NATIVE_RESET_RATE, limits.maxConcurrentStreams),
  };

  function accept(socket: Duplex, connection: Connection, budget?: ConnectionBudget): Served {
    if (socket.destroyed) {
      options.onClose(connection, undefined);
      return { retire() {} };
    }
    const session = performServerHandshake(socket, sessionOptions);
    let open = 0;
    let most = 0;
    let lastGone = 0;
    let failed = false;
    let end: SessionEnd | undefined;
    let overspent = false;
    // Not session.setTimeout: it is refreshed on every chunk, and fires while a quiet stream is open.
    let idle: NodeJS.Timeout | undefined;
    const arm = (ms: number, after: SessionEnd): void => {
      clearTimeout(idle);
      idle = setTimeout(() => {
        end = after;
        session.close();
        // A peer that never answers the GOAWAY cannot hold the socket.
        idle = setTimeout(() => session.destroy(), 1000).unref();
      }, ms).unref();
    };
    /** The budget is used up: what is still in the same packet is not looked at any more. */
    const stop = (excess: SessionEnd): void => {
      if (overspent) return;
      overspent = true;
      end = excess;
      clearTimeout(idle);
      // Not now: Node 26.10 fails an assertion where a session is destroyed by what handles its stream (nodejs/node#65116).
      setImmediate(() => {
        if (session.destroyed) return;
        session.goaway(ResetCode.ENHANCE_YOUR_CALM);
        setImmediate(() => session.destroy());
      });
    };
    const spend = (what: Spending): void => {
      const excess = budget?.spend(what);
      if (excess !== undefined) stop(excess);
    };
    arm(limits.headerTimeoutMs, NO_REQUEST);
    session.setLocalWindowSize(limits.connectionWindowBytes);
    session.on(
      'stream',
      (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, fields: string[]) => {
        if (overspent) {
          stream.on('error', () => {});
          setImmediate(() => stream.close(ResetCode.ENHANCE_YOUR_CALM));
          return;
        }
        clearTimeout(idle);
        open += 1;
        most = Math.max(most, open);
        streams += 1;
        const gone = (): void => {
          open -= 1;
          lastGone = performance.now();
          streams -= 1;
          if (open === 0 && !session.closed) arm(limits.idleTimeoutMs, IDLE);
        };
        let request: H2Request | undefined;
        try {
          const downstream = new H2DownstreamStream(stream, headers['content-length']);
          request = new H2Request(downstream, headers, fields, connection, limits);
          downstream.onGone = gone;
          if (budget !== undefined) {
            const excess = budget.request(request);
            if (excess !== undefined) {
              stop(excess);
              downstream.reset(ResetCode.ENHANCE_YOUR_CALM);
              return;
            }
            // A whole packet is read before a stream is announced: its reset may be here already.
            if (stream.closed) spend('resets');
            else
              downstream.onGone = () => {
                gone();
                if (!session.destroyed && downstream.rapidlyReset) spend('resets');
              };
            if (overspent) return;
          }
          options.onRequest(request, new StreamReply(downstream, request.method));
        } catch (defect) {
          // Thrown from an event it would end the process, and every other exchange with it.
          if (request === undefined) stream.once('close', gone);
          setImmediate(() => stream.close(ResetCode.INTERNAL_ERROR));
          options.onDefect(connection, defect);
        }
      },
    );
    session.on('ping', () => {
      if (open === 0 && !session.closed) arm(limits.idleTimeoutMs, IDLE);
    });
    session.on('error', (error: NodeJS.ErrnoException) => {
      if (overspent) return;
      end = { reason: error.message, ...(error.code !== undefined && { code: error.code }) };
      failed = true;
      // The connection ends anyway; its address pays for it.
      if (error.code?.startsWith('ERR_HTTP2_') === true) budget?.spend('malformed');
    });
    session.on('frameError', (type: number, code: number) => {
      if (!overspent) end = { reason: `frame of type ${type} could not be sent`, code: String(code) };
    });
    session.on('goaway', (code: number) => {
      if (code !== 0) end ??= { reason: 'the client sent GOAWAY', code: String(code) };
    });
    session.on('close', () => {
      clearTimeout(idle);
      sessions.delete(session);
      // nghttp2 says no more than "protocol error". Exactly full: the client opened more than it acknowledged. More than
      // full: streams were reset faster than their events came.
      if (failed && most === limits.maxConcurrentStreams) end = { ...end!, limit: 'limits.max_concurrent_streams' };
      if (failed && most > limits.maxConcurrentStreams) end = { ...end!, reason: 'streams reset too fast' };
      options.onClose(connection, end);
    });
    // One GOAWAY, where RFC 9113 advises two: Node 26.10 takes no stream any more after `goaway()`, whatever its last
    // stream id. What crosses it is not served, and not every client sends that again. So it is sent while the client
    // waits for an answer, which most do not do and send at once; or when it has been quiet.
    const retire = (): void => {
      if (session.closed || session.destroyed) return;
      if (open > 0 || (most > 0 && performance.now() - lastGone > QUIET_MS)) {
        session.close();
        return;
      }
      const timer = setTimeout(() => session.close(), QUIET_MS).unref();
      session.once('close', () => clearTimeout(timer));
      session.once('stream', () => setImmediate(() => session.close()));
    };
    sessions.set(session, retire);
    if (draining) retire();
    return { retire };
  }

  return {
    accept,
    drain() {
      draining = true;
      for (const retire of [...sessions.values()]) retire();
    },
    destroy() {
      // Not now: this may be said by what handles a stream, as above.
      for (const session of [...sessions.keys()]) setImmediate(() => session.destroy());
    },
    get connections() {
      return sessions.size;
    },
    get streams() {
      return streams;
    },
  };
}

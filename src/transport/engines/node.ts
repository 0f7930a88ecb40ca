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
import { H2Request } from '../h2.ts';
import { StreamReply } from '../reply.ts';
import type { Engine, EngineOptions, SessionEnd } from './engine.ts';

/** Node refuses more header fields than this with a bare RST_STREAM; ours is refused with an answer, so it lies far below. */
const NATIVE_HEADER_PAIRS = 2048;

/**
 * A reset is counted by the engine whether it came early or late. So many in a second are let through as a connection may
 * end by deadlines of one second; those that come early have a budget of ours, which is smaller and comes first.
 */
const NATIVE_RESET_BURST = 1000;
const NATIVE_RESET_RATE = 33;

const NO_REQUEST: SessionEnd = { reason: 'no request', limit: 'limits.header_timeout_ms' };
const IDLE: SessionEnd = { reason: 'idle', limit: 'limits.idle_timeout_ms' };

/** Serves HTTP/2 with `node:http2`. */
export function nodeEngine(options: EngineOptions): Engine {
  const { limits } = options;
  const sessions = new Set<ServerHttp2Session>();
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
    maxSessionMemory: 32,
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 50,
    maxOutstandingPings: 10,
    maxSettings: 32,
    streamResetBurst: NATIVE_RESET_BURST,
    streamResetRate: Math.max(NATIVE_RESET_RATE, limits.maxConcurrentStreams),
  };

  function accept(socket: Duplex, connection: Connection, budget?: ConnectionBudget): void {
    if (socket.destroyed) {
      options.onClose(connection, undefined);
      return;
    }
    const session = performServerHandshake(socket, sessionOptions);
    sessions.add(session);
    let open = 0;
    let most = 0;
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
          stream.close(ResetCode.ENHANCE_YOUR_CALM);
          return;
        }
        clearTimeout(idle);
        open += 1;
        most = Math.max(most, open);
        streams += 1;
        stream.once('close', () => {
          open -= 1;
          streams -= 1;
          if (open === 0 && !session.closed) arm(limits.idleTimeoutMs, IDLE);
        });
        try {
          const request = new H2Request(stream, headers, fields, connection, limits);
          if (budget !== undefined) {
            const excess = budget.request(request);
            if (excess !== undefined) {
              stop(excess);
              request.stream.reset(ResetCode.ENHANCE_YOUR_CALM);
              return;
            }
            // A whole packet is read before a stream is announced: its reset may be here already.
            if (stream.closed) spend('resets');
            else
              stream.once('close', () => {
                if (!session.destroyed && request.stream.rapidlyReset) spend('resets');
              });
            if (overspent) return;
          }
          options.onRequest(request, new StreamReply(request.stream, request.method));
        } catch (defect) {
          // Thrown from an event it would end the process, and every other exchange with it.
          stream.close(ResetCode.INTERNAL_ERROR);
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
    if (draining) session.close();
  }

  return {
    accept,
    drain() {
      draining = true;
      for (const session of sessions) session.close();
    },
    destroy() {
      for (const session of sessions) session.destroy();
    },
    get connections() {
      return sessions.size;
    },
    get streams() {
      return streams;
    },
  };
}

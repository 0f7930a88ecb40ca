/** The pool for HTTP/2 upstreams, cleartext and TLS, on http2-wrapper's Agent. */

import type { ClientHttp2Session } from 'node:http2';
import { type Clock, systemClock } from '../core/clock.ts';
import { GatewayError } from '../core/errors.ts';
import type { Fields, UpstreamStream } from '../core/raw.ts';
import { type AgentSession, H2Agent } from './h2-agent.ts';
import { H2UpstreamStream, type SessionState } from './h2-stream.ts';
import { connectError } from './node-error.ts';
import { giveUpWaiting, watchSession } from './patience.ts';
import {
  type Address,
  nextSession,
  type OpenRequest,
  type PoolObserver,
  type PoolSettings,
  type UpstreamPool,
} from './pool.ts';

/** Sessions to one endpoint that speaks HTTP/2. */
export class H2Pool implements UpstreamPool {
  readonly #agent: H2Agent;
  readonly #where: string;
  readonly #settings: PoolSettings;
  readonly #states = new Map<ClientHttp2Session, SessionState>();
  readonly #observer: PoolObserver;
  readonly #clock: Clock;
  #streams = 0;
  #draining = false;

  constructor(address: Address, settings: PoolSettings, observer: PoolObserver, clock: Clock = systemClock) {
    this.#agent = new H2Agent(address, settings, clock);
    this.#clock = clock;
    this.#where = `${address.host}:${address.port}`;
    this.#settings = settings;
    this.#observer = observer;
    this.#agent.on('session', (session: AgentSession) => this.#opened(session));
  }

  get sessions(): number {
    return this.#states.size;
  }

  get streams(): number {
    return this.#streams;
  }

  open(request: OpenRequest): Promise<UpstreamStream> {
    const { promise, resolve, reject } = Promise.withResolvers<UpstreamStream>();
    let waiting = true;
    let cancel: (() => void) | undefined;
    const settled = (): void => {
      waiting = false;
      cancel?.();
    };
    const fail = (error: unknown): void => {
      settled();
      reject(connectError(error, this.#where));
    };
    this.#agent.take({
      resolve: (session) => {
        if (!waiting) return;
        if (!request.wanted()) return fail(new GatewayError('CLIENT_LEFT'));
        try {
          resolve(this.#start(session, request));
          settled();
        } catch (error) {
          fail(error);
        }
      },
      reject: fail,
    });
    if (waiting) cancel = giveUpWaiting(this.#settings, this.#clock, this.#where, () => this.#agent.connecting, fail);
    return promise;
  }

  /** Opens the stream on a session that has room for it. */
  #start(session: AgentSession, request: OpenRequest): UpstreamStream {
    const { method, scheme, authority, path, fields, ended } = request;
    const head: Fields = [':method', method, ':scheme', scheme, ':authority', authority, ':path', path, ...fields];
    const stream = session.request(
      // The typings do not know the flat form (nodejs/node#57917).
      head as unknown as Record<string, string>,
      // waitForTrailers only where there is a body: it is what makes an abort a clean RST_STREAM.
      ended ? { endStream: true } : { endStream: false, waitForTrailers: true },
    );
    this.#streams += 1;
    stream.once('close', () => {
      this.#streams -= 1;
      this.#observer.streamClosed?.();
    });
    return new H2UpstreamStream(stream, this.#states.get(session)!, request);
  }

  #opened(session: AgentSession): void {
    const state: SessionState = { id: nextSession(), lastStreamId: Number.POSITIVE_INFINITY };
    this.#states.set(session, state);
    this.#observer.sessionOpened(state.id);
    session.setLocalWindowSize(this.#settings.sessionWindowBytes);
    let reason = 'closed';
    session.on('goaway', (code: number, lastStreamId: number) => {
      state.lastStreamId = lastStreamId;
      reason = `GOAWAY ${code}`;
    });
    // Without a listener an error GOAWAY or a reset of an idle connection would end the process, as it does with
    // @fastify/reply-from 12.6.5 in http2 mode.
    session.on('error', (error: NodeJS.ErrnoException) => {
      reason = error.code ?? error.message;
    });
    const stopWatching = watchSession(this.#settings, this.#clock, {
      streams: () => this.#agent.streamCount(session),
      ping: (answered) => void session.ping(answered),
      unused: () => {
        reason = 'idle';
        this.#agent.retire(session);
      },
      dead: (why) => {
        reason = why;
        session.destroy();
      },
    });
    session.once('close', () => {
      stopWatching();
      this.#states.delete(session);
      this.#observer.sessionClosed(state.id, reason);
    });
    if (this.#draining) this.#agent.retire(session);
  }

  drain(): void {
    this.#draining = true;
    for (const session of this.#states.keys()) this.#agent.retire(session as AgentSession);
  }

  destroy(): void {
    this.#draining = true;
    this.#agent.destroy();
  }
}

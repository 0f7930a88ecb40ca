/** A listener without a gateway behind it: what a request does is up to the test, and limits may be as small as it likes. */

import type { AddressInfo } from 'node:net';
import { Events, type GatewayEvents } from '../../src/core/events.ts';
import type { RawReply, RawRequest } from '../../src/core/raw.ts';
import { ENGINES } from '../../src/transport/engines/index.ts';
import { Listener, type ListenerLimits, type ListenerOptions, type RequestSink } from '../../src/transport/listener.ts';
import { TEST_ENGINE } from './engine.ts';
import { Lookout } from './lookout.ts';

/** Limits that no test meets by accident. */
export const AMPLE: ListenerLimits = {
  maxHeaderBytes: 32_768,
  maxHeaderCount: 128,
  maxUrlBytes: 32_768,
  maxConcurrentStreams: 100,
  streamWindowBytes: 65_535,
  connectionWindowBytes: 65_535,
  idleTimeoutMs: 60_000,
  headerTimeoutMs: 60_000,
  maxConnections: 1000,
  handshakeTimeoutMs: 60_000,
  keepAliveMs: 60_000,
};

export interface TestListener extends AsyncDisposable {
  readonly listener: Listener;
  readonly port: number;
  readonly address: AddressInfo;
  /** Every request that came, oldest first. */
  readonly requests: readonly RawRequest[];
  /** Every connection that was ended below HTTP. */
  readonly ends: readonly GatewayEvents['connection_ended'][];
  /** Connections opened less those closed. */
  readonly open: number;
  /** The nth request, now or later. */
  request(index: number): Promise<RawRequest>;
  /** The first end that fits, now or later. */
  end(fits?: (end: GatewayEvents['connection_ended']) => boolean): Promise<GatewayEvents['connection_ended']>;
  /** Resolves when this is true; looked at whenever something happens. */
  until(holds: () => boolean): Promise<void>;
}

export interface TestListenerOptions extends Partial<Omit<ListenerOptions, 'limits'>> {
  readonly limits?: Partial<ListenerLimits>;
  /** Answers; by default 200 with the body `ok`, and nothing at all for paths that begin with `/hold`. */
  readonly answer?: (request: RawRequest, reply: RawReply) => void;
  readonly wantsUpgrade?: (request: RawRequest) => boolean;
}

function answerOk(request: RawRequest, reply: RawReply): void {
  if (request.target.startsWith('/hold')) return;
  reply.statusCode = request.fault === undefined ? 200 : 400;
  reply.setHeader('content-length', 2);
  reply.end('ok');
}

/** Starts a listener on a free loopback port; it is destroyed when the test is over. */
export async function startListener(options: TestListenerOptions = {}): Promise<TestListener> {
  const { limits, answer = answerOk, wantsUpgrade = () => false, ...rest } = options;
  const events = new Events();
  const requests: RawRequest[] = [];
  const ends: GatewayEvents['connection_ended'][] = [];
  const lookout = new Lookout();
  let open = 0;
  events.on('connection_opened', () => {
    open += 1;
    lookout.look();
  });
  events.on('connection_closed', () => {
    open -= 1;
    lookout.look();
  });
  events.on('connection_ended', (end) => {
    ends.push(end);
    lookout.look();
  });
  const sink: RequestSink = {
    request(request, reply) {
      requests.push(request);
      reply.once('close', () => setImmediate(() => lookout.look()));
      answer(request, reply);
      lookout.look();
    },
    wantsUpgrade,
    upgrade: (_request, socket) => {
      socket.destroy();
    },
  };
  const listener = new Listener(
    {
      name: 'test',
      host: '127.0.0.1',
      port: 0,
      engine: ENGINES[TEST_ENGINE],
      ...rest,
      limits: { ...AMPLE, ...limits },
    },
    sink,
    events,
  );
  const address = await listener.listen();

  return {
    listener,
    port: address.port,
    address,
    requests,
    ends,
    get open() {
      return open;
    },
    request: (index) => lookout.for(() => requests[index]),
    end: (fits = () => true) => lookout.for(() => ends.find(fits)),
    until: (holds) => lookout.until(holds),
    async [Symbol.asyncDispose]() {
      listener.destroy();
    },
  };
}

import type { AddressInfo } from 'node:net';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import type { ErrorCode } from '../core/catalogue.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { GatewayError } from '../core/errors.ts';
import { Access, type TokenLimit } from './access.ts';
import { allowCompression, sendCompressible } from './compression.ts';
import { entriesOf } from './entries/index.ts';
import type { AdminAnswer, AdminRequest, AdminSources, Entry } from './entry.ts';
import { isLoopback } from './networks.ts';
import { asGatewayError, refusalBody, refuse } from './refusal.ts';
import { limitTokens } from './token-limit.ts';

/** How the admin listener is made. */
export interface AdminOptions extends AdminSources {
  /** The address to bind; one of this machine only by default. */
  readonly host?: string;
  readonly port: number;
  /** What operators send as `Authorization: Bearer`. */
  readonly token?: string | undefined;
  /** Names that a Host may have on loopback, beside localhost and addresses. */
  readonly hosts?: readonly string[];
  /** Networks that may read metrics without a token. */
  readonly metricsAllow?: readonly string[];
  /** Wrong tokens of one address before it has to wait. */
  readonly wrongTokens?: { readonly max: number; readonly windowMs: number };
  readonly maxConnections?: number;
  /** How long a request may take to arrive, head and whole. */
  readonly headerTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  /** How long a client may take nothing of an answer, and an answer may take to be made. */
  readonly idleTimeoutMs?: number;
  readonly answerTimeoutMs?: number;
  /** Answers smaller than this are not compressed. */
  readonly compressFromBytes?: number;
  readonly clock?: Clock;
  /** Somebody sent a wrong token; at most as often as `wrongTokens` lets them. */
  readonly onRefused?: (refused: { code: ErrorCode; path: string; peerAddress: string }) => void;
  /** A source failed. */
  readonly onDefect?: (thrown: unknown) => void;
}

/** The operators' listener. */
export interface AdminServer {
  /** Binds. Rejects where the address cannot be bound, and with a RangeError for a token or a network that is none. */
  listen(): Promise<AddressInfo>;
  /** Others may come from the next request on; throws a RangeError for a token or a network that is none. */
  admit(who: Pick<AdminOptions, 'token' | 'hosts' | 'metricsAllow'>): void;
  /** Stops accepting, waits for answers that are being made, and after `deadlineMs` for nobody. */
  close(deadlineMs?: number): Promise<void>;
}

const MAX_HEADER_BYTES = 16_384;
const MAX_BODY_BYTES = 65_536;

/** Makes the admin listener, not yet bound. */
export function createAdmin(options: AdminOptions): AdminServer {
  const clock = options.clock ?? systemClock;
  // Not resolved: `localhost` is two addresses on most machines, and the listener has one.
  const host = options.host === undefined || options.host === 'localhost' ? '127.0.0.1' : options.host;
  const app = createApp(options);
  let limit: TokenLimit;
  let access: Access;
  const accessOf = ({ token, hosts = [], metricsAllow = [] }: Parameters<AdminServer['admit']>[0]): Access =>
    new Access({ loopback: isLoopback(host), token, hosts, metricsAllow }, limit);
  return {
    admit(who) {
      access = accessOf(who);
    },
    async listen() {
      await allowCompression(app, options.compressFromBytes ?? 1024);
      limit = await limitTokens(app, { max: 10, windowMs: 60_000, ...options.wrongTokens, clock });
      access = accessOf(options);
      addEntries(app, () => access, options);
      await app.listen({ host, port: options.port });
      return app.server.address() as AddressInfo;
    },
    async close(deadlineMs = 1000) {
      const cancel = clock.after(deadlineMs, () => app.server.closeAllConnections());
      await app.close();
      cancel();
    },
  };
}

function createApp(options: AdminOptions): FastifyInstance {
  const app: FastifyInstance = Fastify({
    http: {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: options.headerTimeoutMs ?? 5000,
      // Node looks for late requests every 30 s by default: a limit of 5 s would be one of 35.
      connectionsCheckingInterval: Math.min(1000, options.headerTimeoutMs ?? 5000),
    },
    requestTimeout: options.requestTimeoutMs ?? 10_000,
    connectionTimeout: options.idleTimeoutMs ?? 30_000,
    keepAliveTimeout: 5000,
    bodyLimit: MAX_BODY_BYTES,
    // A probe during the shutdown gets its answer from the entry, and no second form of refusal.
    return503OnClosing: false,
    frameworkErrors: (error, _request, reply) => void refuse(reply, asGatewayError(error)),
    clientErrorHandler(error, socket) {
      if (error.code === 'ECONNRESET' || !socket.writable) return;
      const { code } = error as { code?: string };
      const late = code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'REQUEST_TIMEOUT' : 'BAD_HEADER';
      const refused = new GatewayError(code === 'HPE_HEADER_OVERFLOW' ? 'HEADERS_TOO_LARGE' : late);
      const body = refusalBody(refused);
      socket.end(
        `HTTP/1.1 ${refused.row.http} Refused\r\ncontent-type: application/json; charset=utf-8\r\n` +
          `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
      );
    },
  });
  app.server.maxConnections = options.maxConnections ?? 256;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  app.addHook('onRequest', function protect(_request, reply, done) {
    reply.headers({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
    });
    done();
  });
  return app;
}

function addEntries(app: FastifyInstance, access: () => Access, options: AdminOptions): void {
  const entries = entriesOf(options);
  const { clock = systemClock, answerTimeoutMs = 30_000 } = options;
  for (const entry of entries) addEntry(app, entry, access, answerTimeoutMs, clock);
  answerFailures(app, entries, options);
}

function addEntry(app: FastifyInstance, entry: Entry, access: () => Access, timeoutMs: number, clock: Clock): void {
  app.route({
    method: entry.method,
    url: entry.path,
    onRequest: (request) => access().admit(entry, request),
    async handler(request, reply) {
      const answer = await within(timeoutMs, clock, entry.answer(requestOf(request, access())));
      reply.code(answer.status).type(answer.type);
      sendCompressible(reply, answer.body);
      return reply;
    },
  });
}

function requestOf(request: FastifyRequest, access: Access): AdminRequest {
  return {
    query: request.query as AdminRequest['query'],
    params: request.params as AdminRequest['params'],
    body: typeof request.body === 'string' ? request.body : '',
    byOperator: () => access.byOperator(request),
  };
}

/** A source that hangs costs its caller an error, not a connection. */
async function within(ms: number, clock: Clock, answer: AdminAnswer | Promise<AdminAnswer>): Promise<AdminAnswer> {
  if (!(answer instanceof Promise)) return answer;
  const { promise, reject } = Promise.withResolvers<never>();
  const cancel = clock.after(ms, () => reject(new GatewayError('DEADLINE_EXCEEDED')));
  try {
    return await Promise.race([answer, promise]);
  } finally {
    cancel();
  }
}

function answerFailures(app: FastifyInstance, entries: readonly Entry[], options: AdminOptions): void {
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0];
    const allow = entries.filter((entry) => entry.path === path).map(({ method }) => method);
    return refuse(
      reply,
      allow.length > 0 ? new GatewayError('METHOD_NOT_ALLOWED', { allow }) : new GatewayError('NO_ROUTE'),
    );
  });
  app.setErrorHandler((thrown, request, reply) => {
    const error = asGatewayError(thrown);
    if (error.code === 'DEFECT') options.onDefect?.(thrown);
    if (error.code === 'UNAUTHORIZED' && error.detail !== undefined)
      options.onRefused?.({
        code: error.code,
        path: request.url,
        peerAddress: request.socket.remoteAddress ?? 'unknown',
      });
    return refuse(reply, error);
  });
}

/**
 * THE LIFE OF A REQUEST: the Fastify instance of one generation of the config. What happens to a request stands in this
 * file, in `forward.ts`, or in the list of policies; there is no fourth place.
 */

import { EventEmitter } from 'node:events';
import compress from '@fastify/compress';
import rateLimit from '@fastify/rate-limit';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { expandRoutes, refusedRoute } from '../config/routes.ts';
import { GatewayError } from '../core/errors.ts';
import type { Answer, ClientAddress, RouteInfo } from '../core/exchange.ts';
import type { AnswerHook, FetchRequest, InwardHook } from '../core/policy.ts';
import type { RawReply, RawRequest } from '../core/raw.ts';
import { pluginOptions } from '../policies/rate-limit/store.ts';
import { createAdmission, GLOBAL_IP_RULES } from './admission.ts';
import { ROUTE_CONSTRAINTS } from './constraints.ts';
import { OpenExchange } from './exchange.ts';
import type { Generation, GenerationOptions } from './generation.ts';
import { makeOverload } from './overload.ts';
import { bodyPace, writePace } from './pace.ts';
import { refuse } from './refuse.ts';
import { respond } from './respond.ts';
import { type CompiledRoute, RouteTable, routerEntries } from './route-table.ts';
import { chain, declareRoutes, hooksOf, policiesOf } from './routes.ts';
import { makeServices } from './services.ts';
import { keptUpstreams } from './upstreams.ts';

/**
 * Stands for the server that Fastify believes to have. A shared server would not do: @fastify/http-proxy 11.6.3 hangs an
 * `upgrade` listener on it for every registration and replaces its `close`, and both would outlive the generation.
 */
class ServerFacade extends EventEmitter {
  listening = false;
  close(done?: () => void): this {
    done?.();
    return this;
  }
  closeIdleConnections(): void {}
  closeAllConnections(): void {}
  address(): null {
    return null;
  }
}

/** Compiles a config into the Fastify application that serves it. */
export async function createGeneration(options: GenerationOptions): Promise<Generation> {
  try {
    return await compile(options);
  } catch (error) {
    // What was made for it would follow files and hold connections for ever.
    options.kept.release(options.id);
    throw error;
  }
}

async function compile(options: GenerationOptions): Promise<Generation> {
  const { config, events, clock, kept, id } = options;
  const open = new Set<OpenExchange>();
  let closed: (() => void) | undefined;

  const services = makeServices(options);
  const overload = makeOverload({ ...options, trim: () => services.cache.store.trim() });
  const endpoints = keptUpstreams(options);
  const upstreams = endpoints.byName;
  const pace = bodyPace(config.limits);
  const readers = { writeIdleMs: config.limits.write_idle_ms, writePace: writePace(config.limits) };
  const entries = routerEntries(expandRoutes(config));
  const table = new RouteTable(entries);
  const admission = createAdmission(
    config,
    table,
    ({ peerAddress, listener }, reason) => events.emit('untrusted_proxy', { peerAddress, listener, reason }),
    services.networks,
  );

  const unrouted: CompiledRoute = {
    config: refusedRoute(config),
    info: { name: 'unrouted', upstream: undefined, form: 'rest', class: 'refused' },
  };
  /** What a request has to pass that is refused before it has a route; set when the plugins are there. */
  let beforeRefusal: InwardHook = (_request, _reply, done) => done();

  const facade = new ServerFacade();
  let handler: (request: unknown, reply: unknown) => void = () => {};
  const app = Fastify({
    serverFactory(fastifyHandler) {
      handler = fastifyHandler as typeof handler;
      return facade as never;
    },
    logger: false,
    routerOptions: {
      // At its default of 100 a long segment falls through to a looser route.
      maxParamLength: config.limits.max_url_bytes,
      constraints: ROUTE_CONSTRAINTS as never,
      querystringParser: () => ({}),
    },
    // Only malformed escapes come here, and the transport lets none through; no hook has run then.
    frameworkErrors: (error, request, reply) => {
      openExchange(request as FastifyRequest, reply as FastifyReply, () => {});
      sendRefusal(new GatewayError('BAD_PATH', { cause: error }), request as FastifyRequest, reply as FastifyReply);
    },
    exposeHeadRoutes: false,
    return503OnClosing: false,
    bodyLimit: Number.MAX_SAFE_INTEGER,
  });

  /** The first hook: whatever comes after may rely on the exchange, and whatever ends it leaves a record. */
  function openExchange(request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void {
    const raw = request.raw as unknown as RawRequest;
    const route = (request.routeOptions.config as { route?: RouteInfo }).route ?? unrouted.info;
    let refused = admission.refusal(raw);
    let client: ClientAddress;
    try {
      client = admission.client(raw);
    } catch (thrown) {
      refused ??= GatewayError.from(thrown);
      client = {
        address: raw.connection.peerAddress,
        trustedPeer: false,
        mayBeProxy: false,
        internal: false,
        scheme: 'http',
      };
    }
    // Before anything else is done for it, what is refused by rule included: that costs time too.
    const overloaded = overload.refusal(raw, route);
    const notHere = admission.addressRefused(client, raw);
    const hooks = (request.routeOptions.config as { onAnswer?: AnswerHook[] }).onAnswer ?? [];
    const exchange: OpenExchange = new OpenExchange(raw, client, route, clock, {
      bodyIdleMs: config.limits.body_idle_ms,
      bodyPace: pace,
      respond: (answer, body) => respond(exchange, answer, body, { hooks, reply, clock, limits: readers }),
    });
    request.exchange = exchange;
    open.add(exchange);
    (reply.raw as unknown as RawReply).once('close', () => {
      exchange.record.closed = clock.now();
      exchange.close();
      open.delete(exchange);
      events.emit('exchange', { exchange, record: exchange.record });
      if (open.size === 0) closed?.();
    });
    if (overloaded !== undefined) {
      done(overloaded);
      return;
    }
    if (notHere !== undefined) {
      const { enforce: enforced } = config.ip_rules;
      events.emit('refused', { policy: 'ip_rules', rule: GLOBAL_IP_RULES, route: route.name, enforced });
      if (enforced) {
        done(notHere);
        return;
      }
      exchange.record.reported.push(GLOBAL_IP_RULES);
    }
    if (refused === undefined) done();
    // Refusals cost something too, and tell an attacker something: they cannot be had without limit.
    else beforeRefusal(request, reply, (limited) => done(limited ?? refused));
  }

  function sendRefusal(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const error = GatewayError.from(thrown);
    const { exchange } = request;
    exchange.record.error ??= error;
    refuse(error, exchange, reply);
  }

  app.decorateRequest('exchange');
  app.addHook('onRequest', openExchange);
  app.addHook('onRequest', function redirect(request, reply, done) {
    const { raw, client } = request.exchange;
    const target = admission.listener(raw).redirect;
    // A trusted proxy in front may already have ended TLS: then the redirect would loop.
    if (target === undefined || client.scheme === 'https') return done();
    const port = target.to_port === 443 ? '' : `:${target.to_port}`;
    const host = raw.authority.replace(/:\d*$/, '');
    reply
      .code(308)
      .header('location', `https://${host}${port}${raw.target}`)
      .header('cache-control', 'no-store')
      .send();
  });
  app.setErrorHandler((error, request, reply) => sendRefusal(error, request, reply));
  const passRefusal: InwardHook = (request, reply, done) => beforeRefusal(request, reply, done);
  app.setNotFoundHandler({ preHandler: passRefusal }, (request) => {
    throw table.notServed(request.exchange.raw);
  });
  // Bodies are streams that only `forward.ts` reads: Fastify is told that there are none, so it parses nothing, not even
  // Content-Type, which is the upstream's to judge.
  app.removeAllContentTypeParsers();
  for (const method of app.supportedMethods) app.addHttpMethod(method, { hasBody: false, overrideExisting: true });
  // Only for bodies that the gateway makes; forwarded ones never pass here. @fastify/compress 9.2.0 would also unpack
  // request bodies by default.
  await app.register(rateLimit, pluginOptions(services.tier) as never);
  await app.register(compress, { global: false, globalDecompression: false, threshold: 512 } as never);
  // The way out of answers that the gateway makes: the same hooks as for forwarded ones.
  app.addHook('onSend', function onAnswer(request, reply, payload, done) {
    const { exchange } = request;
    exchange.record.status = reply.statusCode;
    exchange.record.answeredBy ??= 'gateway';
    const hooks = (request.routeOptions.config as { onAnswer?: AnswerHook[] }).onAnswer;
    if (hooks !== undefined && hooks.length > 0) throughHooks(exchange, reply, hooks);
    done(null, payload);
  });
  const hookOptions = { ...options, services, upstreams, admission, overload };
  const { onRequest, preHandler } = hooksOf(unrouted, hookOptions, app);
  beforeRefusal = chain([...onRequest, ...preHandler]);
  const onStart = await declareRoutes(app, { ...hookOptions, entries, table });
  await app.ready();

  return {
    id,
    config,
    table,
    admission,
    upstreams,
    services,
    overload,
    get open() {
      return open.size;
    },
    explain: (route, exchange) =>
      new Map(
        [...policiesOf(route, hookOptions, app)].flatMap(({ policy, settings, context }) =>
          policy.explain === undefined ? [] : [[policy.name, policy.explain(settings, context)(exchange)] as const],
        ),
      ),
    warm: () => endpoints.warm(),
    start() {
      overload.start();
      endpoints.start();
      for (const upstream of upstreams.values()) upstream.start();
      void services.cache.disk?.start();
      const { name: listener } = config.listeners[0]!;
      for (const hook of onStart) hook(ownAccount(listener));
    },
    handle: (request, reply) => handler(request, reply),
    wantsUpgrade: (request) => request.fault === undefined && table.match(request)?.config.websocket === true,
    upgrade: (request, socket, head) => {
      if (!facade.emit('upgrade', request, socket, head)) socket.destroy();
    },
    abort(error) {
      for (const exchange of open) exchange.abort(error);
    },
    async close() {
      if (open.size > 0) {
        const { promise, resolve } = Promise.withResolvers<void>();
        closed = resolve;
        await promise;
      }
      await app.close();
      kept.release(id);
    },
  };
}

/** On whose behalf the gateway asks for itself: it comes from this machine, and over TLS as clients do. */
function ownAccount(listener: string): Pick<FetchRequest, 'client' | 'connection'> {
  const address = '127.0.0.1';
  return {
    client: { address, trustedPeer: false, mayBeProxy: false, internal: false, scheme: 'https' },
    connection: { id: 0, peerAddress: address, listener, tlsVersion: undefined, serverName: undefined },
  };
}

/** Runs the hooks on the way out over an answer that Fastify is about to send. */
function throughHooks(
  exchange: OpenExchange | FastifyRequest['exchange'],
  reply: FastifyReply,
  hooks: readonly AnswerHook[],
): void {
  const fields: string[] = [];
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    for (const item of Array.isArray(value) ? value : [value]) if (item !== undefined) fields.push(name, String(item));
  }
  const answer: Answer = { status: reply.statusCode, fields, ended: false, source: 'gateway', sink: undefined };
  for (const hook of hooks) hook(exchange, answer);
  for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name);
  for (let i = 0; i < answer.fields.length; i += 2) reply.header(answer.fields[i]!, answer.fields[i + 1]!);
  reply.code(answer.status);
}

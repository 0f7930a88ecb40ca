/** From the route table to Fastify routes, each with its hooks; no I/O. */

import httpProxy from '@fastify/http-proxy';
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import { GatewayError } from '../core/errors.ts';
import type { AnswerHook, InwardHook, Policy, PolicyContext, PolicyHooks } from '../core/policy.ts';
import { POLICIES } from '../policies/index.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { Admission } from './admission.ts';
import { forward } from './forward.ts';
import type { GenerationOptions } from './generation.ts';
import { instanceHint } from './instance-hint.ts';
import { bodyPace, writePace } from './pace.ts';
import type { CompiledRoute, RouterEntry, RouteTable } from './route-table.ts';
import type { Services } from './services.ts';
import { upstreamFields } from './upstream-fields.ts';

/** What hooks are made with. */
export interface HookOptions extends GenerationOptions {
  readonly services: Services;
}

export interface RoutesOptions extends HookOptions {
  readonly entries: readonly RouterEntry[];
  readonly table: RouteTable;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly admission: Admission;
}

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown;

/** The hooks of a route by phase. On the way in they run down the list, on the way out up. */
interface RouteHooks {
  readonly onRequest: InwardHook[];
  readonly preHandler: InwardHook[];
  readonly onAnswer: AnswerHook[];
}

/** Declares every entry of the router on the application. */
export async function declareRoutes(app: FastifyInstance, options: RoutesOptions): Promise<void> {
  const hint = options.config.hints ? instanceHint(options.events) : undefined;
  const made = new Map<CompiledRoute, { hooks: RouteHooks; handler: Handler }>();
  for (const { route, url, methods, constraints } of options.entries) {
    let compiled = made.get(route);
    if (compiled === undefined) {
      const hooks = hooksOf(route, options, app);
      if (hint !== undefined && route.info.upstream !== undefined) hooks.onAnswer.unshift(hint);
      compiled = { hooks, handler: handlerOf(route, hooks, options) };
      made.set(route, compiled);
    }
    const { hooks, handler } = compiled;
    const shared = {
      url,
      method: methods as HTTPMethods[],
      constraints: { ...constraints },
      config: { route: route.info, onAnswer: hooks.onAnswer } as object,
    };
    const upstream = route.info.upstream === undefined ? undefined : options.upstreams.get(route.info.upstream);
    if (upstream?.protocol === 'http/1.1') {
      await app.register(async (scope) => {
        for (const hook of hooks.onRequest) scope.addHook('onRequest', hook);
        await scope.register(httpProxy, proxyOptions(route, upstream, hooks, handler, shared, options));
      });
    } else {
      app.route({ ...shared, onRequest: hooks.onRequest, preHandler: hooks.preHandler, handler: handler as never });
    }
  }
}

/** Composes the policies of a route once, in the order of the list. */
export function hooksOf(route: CompiledRoute, options: HookOptions, app: FastifyInstance): RouteHooks {
  const hooks: RouteHooks = { onRequest: [], preHandler: [], onAnswer: [] };
  for (const { policy, settings, context } of policiesOf(route, options, app)) {
    const own: PolicyHooks = policy.hooks(settings, context);
    if (own.onRequest !== undefined) hooks.onRequest.push(own.onRequest);
    if (own.preHandler !== undefined) hooks.preHandler.push(own.preHandler);
    if (own.onAnswer !== undefined) hooks.onAnswer.unshift(own.onAnswer);
  }
  return hooks;
}

/** The policies that are on for a route, in the order of the list, each with its options and its context. */
export function* policiesOf(
  route: CompiledRoute,
  { kept, id, clock, events, services }: HookOptions,
  app: FastifyInstance,
): Generator<{ policy: Policy; settings: never; context: PolicyContext }> {
  for (const policy of POLICIES as readonly Policy[]) {
    const settings = (route.config.policies as Record<string, unknown>)[policy.name];
    if (settings === undefined || settings === false) continue;
    const identity = [policy.name, route.info.name, settings];
    const context: PolicyContext = {
      route: route.info,
      clock,
      events,
      app,
      services,
      kept: (make) => kept.use(id, 'policy', identity, make),
    };
    yield { policy, settings: settings as never, context };
  }
}

function handlerOf(route: CompiledRoute, hooks: RouteHooks, options: RoutesOptions): Handler {
  const { config } = route;
  const { limits } = options.config;
  switch (config.action) {
    case 'refuse':
      return (request) => {
        if (config.refuse_with === 'NO_ROUTE') throw options.table.notServed(request.exchange.raw);
        throw new GatewayError(config.refuse_with);
      };
    case 'redirect':
      return (_request, reply) => {
        const { location, status } = config.redirect!;
        return reply.code(status).header('location', location).send();
      };
    case 'forward':
      return forward({
        upstream: options.upstreams.get(config.upstream!)!,
        rewritePrefix: config.rewrite_prefix,
        onAnswer: hooks.onAnswer,
        limits: {
          bodyIdleMs: limits.body_idle_ms,
          writeIdleMs: limits.write_idle_ms,
          bodyPace: bodyPace(limits),
          writePace: writePace(limits),
        },
        traceContext: options.config.trace_context === 'pass',
        admission: options.admission,
        clock: options.clock,
        events: options.events,
      });
  }
}

/**
 * Routes of HTTP/1.1 upstreams are declared by @fastify/http-proxy with its `handler` set to ours, so that there is one
 * way of forwarding; what it does by itself is WebSocket, on routes that opt in.
 */
function proxyOptions(
  route: CompiledRoute,
  upstream: Upstream,
  hooks: RouteHooks,
  handler: Handler,
  shared: { url: string; method: HTTPMethods[]; constraints: object; config: object },
  options: RoutesOptions,
): never {
  const anyEndpoint = `http://${upstream.endpoints[0]!.name}`;
  return {
    upstream: '',
    routes: [shared.url],
    httpMethods: shared.method,
    constraints: shared.constraints,
    config: shared.config,
    proxyPayloads: false,
    websocket: route.config.websocket,
    handler: (request: FastifyRequest, reply: FastifyReply) => handler(request, reply),
    preHandler: hooks.preHandler.length === 0 ? undefined : chain(hooks.preHandler),
    replyOptions: {
      // Asked for every request; only a WebSocket goes where it says.
      getUpstream: (request: FastifyRequest) => (isUpgrade(request) ? `http://${upstream.pick().name}` : anyEndpoint),
    },
    wsClientOptions: {
      followRedirects: false,
      handshakeTimeout: options.config.upstreams[upstream.name]!.connect_timeout_ms,
      rewriteRequestHeaders: (_headers: unknown, request: FastifyRequest) => upgradeHeaders(request, options),
    },
  } as never;
}

function isUpgrade(request: FastifyRequest): boolean {
  return request.exchange.raw.headers.upgrade !== undefined && request.exchange.raw.httpVersionMajor === 1;
}

/** The headers of a WebSocket handshake to the upstream: the same hygiene as for requests. */
function upgradeHeaders(request: FastifyRequest, options: RoutesOptions): Record<string, string> {
  const { exchange } = request;
  const { raw } = exchange;
  exchange.record.firstByte = options.clock.now();
  exchange.record.status = 101;
  exchange.record.answeredBy = 'upstream';
  const fields = upstreamFields(exchange, {
    admission: options.admission,
    traceContext: options.config.trace_context === 'pass',
  });
  const headers: Record<string, string> = { host: raw.authority };
  for (let i = 0; i < fields.length; i += 2) {
    // The WebSocket client makes the fields of its own handshake.
    if (!fields[i]!.startsWith('sec-websocket-')) headers[fields[i]!] = fields[i + 1]!;
  }
  return headers;
}

/** Several hooks as one. */
export function chain(hooks: readonly InwardHook[]): InwardHook {
  return (request, reply, done) => {
    let next = 0;
    const step = (error?: Error): void => {
      if (error !== undefined || next === hooks.length) {
        done(error);
        return;
      }
      const hook = hooks[next]!;
      next += 1;
      hook(request, reply, step);
    };
    step();
  };
}

/** From the route table to Fastify routes, each with its hooks; no I/O. */

import httpProxy from '@fastify/http-proxy';
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import { GatewayError } from '../core/errors.ts';
import type { AnswerHook, InwardHook, Policy, PolicyContext, PolicyHooks } from '../core/policy.ts';
import { POLICIES } from '../policies/index.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { Admission } from './admission.ts';
import { fetcher } from './fetch.ts';
import { type ForwardOptions, forwarder, forwardHandler } from './forward.ts';
import type { GenerationOptions } from './generation.ts';
import { instanceHint } from './instance-hint.ts';
import type { Overload } from './overload.ts';
import { bodyPace, writePace } from './pace.ts';
import { RetryBudget } from './retry-budget.ts';
import { retryRules } from './retry-rules.ts';
import type { CompiledRoute, RouterEntry, RouteTable } from './route-table.ts';
import type { Services } from './services.ts';
import { upstreamFields } from './upstream-fields.ts';

/** What hooks are made with. */
export interface HookOptions extends GenerationOptions {
  readonly services: Services;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly admission: Admission;
  readonly overload: Overload;
}

/** What the routes of one Fastify application are made from. */
export interface RoutesOptions extends HookOptions {
  readonly entries: readonly RouterEntry[];
  readonly table: RouteTable;
}

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown;

/** The hooks of a route by phase. On the way in they run down the list, on the way out up. */
interface RouteHooks {
  readonly onRequest: InwardHook[];
  readonly preHandler: InwardHook[];
  readonly onAnswer: AnswerHook[];
  readonly onStart: NonNullable<PolicyHooks['onStart']>[];
}

/** Declares every entry of the router on the application; gives what is to be called when traffic comes. */
export async function declareRoutes(
  app: FastifyInstance,
  options: RoutesOptions,
): Promise<readonly NonNullable<PolicyHooks['onStart']>[]> {
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
  return [...made.values()].flatMap(({ hooks }) => hooks.onStart);
}

/** Composes the policies of a route once, in the order of the list. */
export function hooksOf(route: CompiledRoute, options: HookOptions, app: FastifyInstance): RouteHooks {
  const hooks: RouteHooks = { onRequest: [], preHandler: [], onAnswer: [], onStart: [] };
  for (const { policy, settings, context } of policiesOf(route, options, app)) {
    const outer = hooks.onAnswer.length;
    const fetch = lazily(() => fetcherOf(route, options, hooks.onAnswer.slice(0, -1 - outer)));
    const own: PolicyHooks = policy.hooks(settings, { ...context, fetch: (...asked) => fetch()(...asked) });
    if (own.onRequest !== undefined) hooks.onRequest.push(own.onRequest);
    if (own.preHandler !== undefined) hooks.preHandler.push(own.preHandler);
    if (own.onAnswer !== undefined) hooks.onAnswer.unshift(own.onAnswer);
    if (own.onStart !== undefined) hooks.onStart.push(own.onStart);
  }
  return hooks;
}

/** Made when it is first asked for. */
function lazily<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** What asks a route's upstream for a policy of it: answers pass the hooks of the policies further in. */
function fetcherOf(route: CompiledRoute, options: HookOptions, inner: readonly AnswerHook[]): PolicyContext['fetch'] {
  if (route.config.upstream === undefined) throw new Error(`route ${route.info.name} has no upstream`);
  const settings = forwardOptions(route, inner, options);
  return fetcher(route.info, options.clock, forwarder(settings), () => settings.upstream.endpoints.length);
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
      fetch: () => {
        throw new Error('nothing is sent for an explanation');
      },
      kept: (make) => kept.use(id, 'policy', identity, make),
    };
    yield { policy, settings: settings as never, context };
  }
}

function handlerOf(route: CompiledRoute, hooks: RouteHooks, options: RoutesOptions): Handler {
  const { config } = route;
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
      return forwardHandler(forwarder(forwardOptions(route, hooks.onAnswer, options)));
  }
}

function forwardOptions(
  { config, info }: CompiledRoute,
  onAnswer: readonly AnswerHook[],
  options: HookOptions,
): ForwardOptions {
  const { limits } = options.config;
  const upstream = options.upstreams.get(config.upstream!)!;
  const rules = retryRules(config.retry!, options.services.rpcs, Math.random);
  return {
    upstream,
    rules,
    budget: retryBudget(upstream.name, options),
    rewritePrefix: config.rewrite_prefix,
    gate: options.overload.gate(upstream.name, info),
    onAnswer,
    limits: {
      bodyIdleMs: limits.body_idle_ms,
      writeIdleMs: limits.write_idle_ms,
      bodyPace: bodyPace(limits),
      writePace: writePace(limits),
      keptBodyBytes: rules.bodyBytes,
    },
    traceContext: options.config.trace_context === 'pass',
    admission: options.admission,
    clock: options.clock,
    events: options.events,
  };
}

/** The one budget of an upstream, for all routes to it. */
function retryBudget(upstream: string, { config, kept, id, clock }: HookOptions): RetryBudget {
  const { share_percent: sharePercent, min_per_s: minPerS } = config.upstreams[upstream]!.retry_budget;
  const settings = { sharePercent, minPerS };
  return kept.use(id, 'retry budget', [upstream, settings], () => new RetryBudget(settings, clock));
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
  // There may be no endpoint yet; it is nowhere that anything is sent to.
  const anyEndpoint = 'http://upstream.invalid';
  return {
    upstream: '',
    routes: [shared.url],
    httpMethods: shared.method,
    constraints: shared.constraints,
    config: shared.config,
    proxyPayloads: false,
    websocket: route.config.websocket,
    handler: (request: FastifyRequest, reply: FastifyReply) => handler(request, reply),
    preHandler: chain([...hooks.preHandler, ...(route.config.websocket ? [somewhereToGo(upstream)] : [])]),
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

/** A WebSocket needs an endpoint before its handshake is answered: afterwards there is no way to say that there is none. */
function somewhereToGo(upstream: Upstream): InwardHook {
  return (request, _reply, done) => {
    const look = (): void => {
      const nowhere = isUpgrade(request) && upstream.endpoints.length === 0;
      done(nowhere ? new GatewayError('NO_ENDPOINT', { detail: `upstream ${upstream.name}` }) : undefined);
    };
    if (upstream.awaited === undefined) look();
    else void upstream.awaited.then(look);
  };
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

/** A request as far as policies look at it, and what they did to it. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../src/core/clock.ts';
import { Events } from '../../src/core/events.ts';
import type { PolicyContext, PolicyHooks, PolicyServices } from '../../src/core/policy.ts';
import type { RawRequest } from '../../src/core/raw.ts';
import { OpenExchange } from '../../src/gateway/exchange.ts';

export const ROUTE = { name: 'test', upstream: 'zitadel', form: 'rest', class: 'api' } as const;

/** The context in which hooks are made; nothing is kept over a reload. */
export function contextOf(clock: Clock, services: Partial<PolicyServices> = {}): PolicyContext {
  return {
    route: ROUTE,
    clock,
    events: new Events(),
    app: {} as FastifyInstance,
    services: services as PolicyServices,
    fetch: () => {
      throw new Error('no upstream');
    },
    kept: (make) => make(),
  };
}

/** An exchange of a request with these header fields. */
export function exchangeOf(clock: Clock, headers: Record<string, string>, path = '/v2/users'): OpenExchange {
  const raw = {
    requestedMethod: 'POST',
    target: path,
    authority: 'id.example.com',
    connection: { id: 1, peerAddress: '203.0.113.7', listener: 'public', tlsVersion: undefined, serverName: undefined },
    path,
    headers,
    httpVersionMajor: 2,
    fields: Object.entries(headers).flat(),
  } as unknown as RawRequest;
  return new OpenExchange(
    raw,
    { address: '203.0.113.7', trustedPeer: false, mayBeProxy: false, internal: false, scheme: 'https' },
    ROUTE,
    clock,
  );
}

/** Runs the hooks on the way in; gives the error that they refuse with. */
export function enter(hooks: PolicyHooks, exchange: OpenExchange): Error | undefined {
  let refused: Error | undefined;
  for (const hook of [hooks.onRequest, hooks.preHandler]) {
    hook?.({ exchange } as unknown as FastifyRequest, {} as FastifyReply, (error) => {
      refused ??= error;
    });
  }
  return refused;
}

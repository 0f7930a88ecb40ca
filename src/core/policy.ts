/** What a policy is: one key in the YAML, one file, some hooks. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Clock } from './clock.ts';
import type { Events } from './events.ts';
import type { Answer, Exchange, RouteInfo } from './exchange.ts';

/** A hook on the way in. To refuse is `done(new GatewayError(code))`; a policy that answers by itself replies and does not call `done`. */
export type InwardHook = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void;

/** A hook on the way out, for forwarded and for gateway-made answers alike. It may pass an answer twice (cache) and must not harm it. */
export type AnswerHook = (exchange: Exchange, answer: Answer) => void;

/** The hooks that a policy may have on one route. */
export interface PolicyHooks {
  onRequest?: InwardHook;
  preHandler?: InwardHook;
  onAnswer?: AnswerHook;
}

/** What policies share and do not own: counters, lists, tables. Declared where policies are, made where they are wired. */
// biome-ignore lint/suspicious/noEmptyInterface: policies/services.ts says what is in it; this floor knows no mechanism
export interface PolicyServices {}

/** What a policy is given when its hooks are made for a route. */
export interface PolicyContext {
  readonly route: RouteInfo;
  readonly clock: Clock;
  readonly events: Events;
  /** The application of the generation, with the plugins that policies build on. */
  readonly app: FastifyInstance;
  readonly services: PolicyServices;
  /**
   * State that outlives a reload: the same value comes back as long as route, policy and options are the same.
   * It is disposed when no generation names it any more.
   */
  kept<T extends object>(make: () => T): T;
}

/** A policy as the list holds it. */
export interface Policy<Name extends string = string, Options extends z.ZodType = z.ZodType> {
  readonly name: Name;
  /** One sentence for the reference. */
  readonly summary: string;
  /** The options of the YAML key. */
  readonly options: Options;
  hooks(options: z.output<Options>, context: PolicyContext): PolicyHooks;
  /** What it would say of a request, a line for each of its rules; counts nothing. For people who ask why. */
  explain?(options: z.output<Options>, context: PolicyContext): (exchange: Exchange) => readonly string[];
}

/** Declares a policy; only there so that the options' type reaches `hooks`. */
export function definePolicy<const Name extends string, Options extends z.ZodType>(
  policy: Policy<Name, Options>,
): Policy<Name, Options> {
  return policy;
}

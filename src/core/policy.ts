/** What a policy is: one key in the YAML, one file, some hooks. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Clock } from './clock.ts';
import type { GatewayError } from './errors.ts';
import type { Events } from './events.ts';
import type { AccessRecord, Answer, ClientAddress, Exchange, RouteInfo } from './exchange.ts';
import type { Connection, Fields } from './raw.ts';

/** A hook on the way in. To refuse is `done(new GatewayError(code))`; a policy that answers by itself replies and does not call `done`. */
export type InwardHook = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void;

/** A hook on the way out, for forwarded and for gateway-made answers alike. It may pass an answer twice (cache) and must not harm it. */
export type AnswerHook = (exchange: Exchange, answer: Answer) => void;

/** The hooks that a policy may have on one route. */
export interface PolicyHooks {
  onRequest?: InwardHook;
  preHandler?: InwardHook;
  onAnswer?: AnswerHook;
  /** Traffic comes from now on. `self`: on whose behalf the gateway asks for itself. */
  onStart?: (self: Pick<FetchRequest, 'client' | 'connection'>) => void;
}

/** What policies share and do not own: counters, lists, tables. Declared where policies are, made where they are wired. */
// biome-ignore lint/suspicious/noEmptyInterface: policies/services.ts says what is in it; this floor knows no mechanism
export interface PolicyServices {}

/** A request that the gateway makes of a route's upstream for itself. */
export interface FetchRequest {
  readonly method: 'GET' | 'HEAD';
  readonly target: string;
  readonly authority: string;
  /** As a client sends them, before hygiene; without pseudo-headers and Host. */
  readonly fields: Fields;
  /** On whose behalf. */
  readonly client: ClientAddress;
  readonly connection: Connection;
  readonly id: string;
  /** How long the answer's head may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Endpoints that are asked only where there is no other. */
  readonly avoid?: readonly string[];
  /** The endpoint that is asked first, if there is one of this name. */
  readonly prefer?: string | undefined;
}

/** What comes of it: a head, then data, then an end or an error; or an error and nothing else. */
export interface FetchReceiver {
  /** A 1xx answer, before the head; 100 and 101 are not told. */
  onInterim(status: number, fields: Fields): void;
  /** Hooks of policies further in have run. */
  onHead(answer: Answer): void;
  /** False asks to hold on until `drained` is called. */
  onData(chunk: Uint8Array): boolean;
  onEnd(trailers: Fields | undefined): void;
  /** There will be no answer, or what came of it is cut. */
  onError(error: GatewayError): void;
}

/** A request under way. */
export interface Fetch {
  /** Which endpoint was asked, how often, and when. */
  readonly record: AccessRecord;
  /** How many endpoints there are to ask. */
  readonly endpoints: number;
  drained(): void;
  /** Nobody wants it any more; nothing is told afterwards. */
  cancel(): void;
}

/** What a policy is given when its hooks are made for a route. */
export interface PolicyContext {
  readonly route: RouteInfo;
  readonly clock: Clock;
  readonly events: Events;
  /** The application of the generation, with the plugins that policies build on. */
  readonly app: FastifyInstance;
  readonly services: PolicyServices;
  /** Asks the route's upstream on the gateway's own account. Throws where the route has no upstream. */
  fetch(request: FetchRequest, receiver: FetchReceiver): Fetch;
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

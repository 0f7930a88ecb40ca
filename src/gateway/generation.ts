/** A generation: one compiled config, and what it is compiled from. */

import type { Duplex } from 'node:stream';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import type { GatewayError } from '../core/errors.ts';
import type { Events } from '../core/events.ts';
import type { Exchange } from '../core/exchange.ts';
import type { RawReply, RawRequest } from '../core/raw.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { Admission } from './admission.ts';
import type { Kept } from './kept.ts';
import type { Overload } from './overload.ts';
import type { CompiledRoute, RouteTable } from './route-table.ts';
import type { Services } from './services.ts';
import type { ServicesMemory, Thread } from './thread.ts';

/** What a generation is compiled from. */
export interface GenerationOptions {
  readonly id: number;
  readonly config: Config;
  readonly kept: Kept;
  readonly events: Events;
  readonly clock: Clock;
  /** This thread among others; alone where it is not given. */
  readonly thread?: Thread;
  /** Where other threads count, for the same config. */
  readonly memory?: ServicesMemory;
}

/** One compiled config. */
export interface Generation {
  readonly id: number;
  readonly config: Config;
  readonly table: RouteTable;
  readonly admission: Admission;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly services: Services;
  readonly overload: Overload;
  /** Exchanges that are not over yet. */
  readonly open: number;
  /** What the policies of a route would say of a request, by policy a line for each rule; counts nothing. */
  explain(route: CompiledRoute, exchange: Exchange): ReadonlyMap<string, readonly string[]>;
  /** What should be there before traffic comes: the endpoints of upstreams that are new. Takes a bounded time, fails never. */
  warm(): Promise<void>;
  /** Traffic comes from now on: what works beside it begins. */
  start(): void;
  handle(request: RawRequest, reply: RawReply): void;
  wantsUpgrade(request: RawRequest): boolean;
  upgrade(request: RawRequest, socket: Duplex, head: Buffer): void;
  /** Gives up every exchange that is still open. */
  abort(error: GatewayError): void;
  /** Resolves when the last exchange is over and what only this generation kept is gone. */
  close(): Promise<void>;
}

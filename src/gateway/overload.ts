/** Who is refused when there is more to do than can be done: by an upstream, by this thread, or in this memory. */

import { PRESETS } from '../config/presets/index.ts';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import { GatewayError } from '../core/errors.ts';
import type { Events, GatewayEvents } from '../core/events.ts';
import type { RouteInfo } from '../core/exchange.ts';
import type { RawRequest } from '../core/raw.ts';
import { AdaptiveLimit } from '../limits/overload/adaptive-limit.ts';
import { type Priority, rankOf } from '../limits/overload/priority.ts';
import type { Kept } from './kept.ts';
import { type PressureFigures, PressureWatch } from './pressure-watch.ts';
import { ALONE, type Thread } from './thread.ts';
import { UpstreamGate } from './upstream-gate.ts';

/** What the protection of one generation is made with. */
export interface OverloadOptions {
  readonly config: Config;
  readonly kept: Kept;
  readonly id: number;
  readonly clock: Clock;
  readonly events: Events;
  readonly thread?: Thread;
  /** Gives memory back that is not needed; asked while it is short. */
  readonly trim: () => void;
}

/** How much an upstream is let work at, now. */
export interface LimitFigures {
  readonly upstream: string;
  readonly limit: number;
  readonly inFlight: number;
}

/** What decides of one generation. */
export interface Overload {
  /** Why a request is refused before anything is done for it, or undefined. */
  refusal(raw: RawRequest, route: RouteInfo): GatewayError | undefined;
  /** The way to an upstream for the requests of a route; undefined where nothing is measured. */
  gate(upstream: string, route: RouteInfo): UpstreamGate | undefined;
  limits(): LimitFigures[];
  /** How this thread is. */
  pressure(): PressureFigures;
  /** Whether new connections are welcome. */
  readonly memoryShort: boolean;
  /** Traffic comes from now on. */
  start(): void;
}

/** Makes what is not there yet; limits and what they have learned live on over reloads. */
export function makeOverload(options: OverloadOptions): Overload {
  const { config, kept, id, clock, events, thread = ALONE } = options;
  const { event_loop_delay_ms: delayMs, memory_percent: memoryPercent, ...set } = config.overload;
  const priorities = prioritiesOf(config);
  const priority = (route: RouteInfo): Priority => priorities.get(route.class) ?? 'normal';
  const ranks = new Map([...priorities].map(([name, one]) => [name, rankOf(one)]));
  const normal = rankOf('normal');
  const watch = kept.use(
    id,
    'pressure watch',
    [delayMs, memoryPercent],
    () => new PressureWatch({ delayMs, memoryPercent, clock, events }),
  );
  const limits = new Map<string, AdaptiveLimit>();
  for (const [name, { adaptive_concurrency: adaptive }] of Object.entries(config.upstreams)) {
    if (adaptive.mode === 'off') continue;
    const share = (of: number): number => Math.max(1, Math.ceil(of / thread.sharers));
    const minLimit = share(adaptive.min_limit);
    const settings = {
      minLimit,
      maxLimit: Math.max(minLimit, share(adaptive.max_limit)),
      slowFactor: adaptive.slow_factor,
    };
    limits.set(
      name,
      kept.use(id, 'adaptive limit', [name, settings], () => new AdaptiveLimit(settings, clock)),
    );
  }

  function refused(by: GatewayEvents['overloaded']['by'], route: RouteInfo): GatewayError {
    events.emit('overloaded', { by, where: '', class: route.class, priority: priority(route), enforced: true });
    return new GatewayError('OVERLOADED', { detail: by, retryAfterS: set.retry_after_s });
  }

  return {
    refusal(raw, route) {
      if (watch.calm) return undefined;
      const rank = ranks.get(route.class) ?? normal;
      if (rank < 0) return undefined;
      if (watch.shedder.refuses(rank)) return refused('event_loop', route);
      if (watch.memoryShort && isBig(raw, set.big_body_bytes)) return refused('memory', route);
      return undefined;
    },
    gate(upstream, route) {
      const limit = limits.get(upstream);
      const rank = ranks.get(route.class) ?? normal;
      if (limit === undefined || rank < 0) return undefined;
      return new UpstreamGate({
        limit,
        upstream,
        class: route.class,
        priority: priority(route),
        rank,
        usual: limit.usual(route.name),
        enforced: config.upstreams[upstream]!.adaptive_concurrency.mode === 'on',
        retryAfterS: set.retry_after_s,
        clock,
        events,
      });
    },
    limits: () => [...limits].map(([upstream, { limit, inFlight }]) => ({ upstream, limit, inFlight })),
    pressure: () => watch.figures,
    get memoryShort() {
      return watch.memoryShort;
    },
    start: () => watch.start(options.trim),
  };
}

/** The priority of each class that has one: what the config says, over what the preset does. */
function prioritiesOf({ preset, overload }: Config): Map<string, Priority> {
  const found = new Map<string, Priority>();
  for (const [name, { priority }] of Object.entries(PRESETS[preset.name].classes)) {
    if (priority !== undefined) found.set(name, priority);
  }
  for (const [name, priority] of Object.entries(overload.priorities)) found.set(name, priority);
  return found;
}

/** A body of this size or more, or one that does not tell: RPCs do not, and theirs are small. */
function isBig(raw: RawRequest, bytes: number): boolean {
  if (raw.stream.ended) return false;
  const { 'content-length': length, 'content-type': type } = raw.headers;
  if (length !== undefined) return Number(length) >= bytes;
  return typeof type !== 'string' || !type.startsWith('application/grpc');
}

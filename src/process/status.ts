/** How the whole gateway is, in one answer: readiness, threads, upstreams, what is refused, and what ACME does. */

import type { Clock } from '../core/clock.ts';
import type { Gateway } from './gateway.ts';
import { KNOCK_MS } from './life-watch.ts';
import type { Primary, Readiness } from './primary.ts';
import { VERSION } from './version.ts';

type Upstreams = ReturnType<Gateway['upstreams']>;
type Pressure = ReturnType<Gateway['pressure']>;

/** One thread that serves, or is to. Times ISO 8601. */
export interface ThreadStatus {
  /** `main` where everything runs in the main thread. */
  readonly worker: number | 'main';
  readonly state: 'serving' | 'lost';
  readonly connections: number;
  readonly in_flight: number;
  /** Seconds since its last sign of life. */
  readonly silent_s: number;
  readonly restarts: number;
  /** Why it was lost the last time, and when. */
  readonly last_loss?: { readonly problem: string; readonly at: string };
  /** The median of a second, in milliseconds. */
  readonly event_loop_delay_ms?: number;
  /** Priorities that are refused for it. */
  readonly refused_priorities?: readonly string[];
  readonly memory_percent?: number;
  readonly memory_short?: boolean;
}

/** One upstream, over all threads. */
export interface UpstreamSummary {
  readonly name: string;
  readonly endpoints: number;
  /** Endpoints that get requests. */
  readonly used: number;
  readonly panic: boolean;
  readonly in_flight: number;
  /** Those that are not well. */
  readonly unwell: readonly {
    readonly endpoint: string;
    readonly state: string;
    readonly reason?: string | undefined;
  }[];
  /** Requests that it may work at now, and that wait for their answer; absent where nothing is measured. */
  readonly concurrency?: { readonly limit: number; readonly waiting: number };
}

/** The answer of /status. */
export interface Status {
  readonly version: string;
  readonly node: string;
  readonly pid: number;
  readonly since: string;
  readonly ready: boolean;
  readonly generation: number;
  readonly details: Readiness['details'];
  readonly threads: readonly ThreadStatus[];
  readonly upstreams: readonly UpstreamSummary[];
  readonly acme: ReturnType<Primary['tls']['acmeStatus']>;
}

/** Where the status is asked for. */
export interface StatusOptions {
  readonly primary: Primary;
  readonly clock: Clock;
  /** The upstreams as all threads see them together. */
  upstreams(): unknown;
}

/** Remembers what was lost, and asks the threads for the rest. */
export class StatusBoard {
  readonly #options: StatusOptions;
  readonly #since: string;
  readonly #losses = new Map<number, { restarts: number; problem: string; at: string }>();

  /** Counts from now on. */
  constructor(options: StatusOptions) {
    const { primary, clock } = options;
    this.#options = options;
    this.#since = new Date(clock.wall()).toISOString();
    primary.events.on('worker_lost', ({ worker, problem }) => {
      const restarts = (this.#losses.get(worker)?.restarts ?? 0) + 1;
      this.#losses.set(worker, { restarts, problem, at: new Date(clock.wall()).toISOString() });
    });
  }

  async status(): Promise<Status> {
    const { primary } = this.#options;
    const [upstreams, pressures] = await Promise.all([
      this.#options.upstreams() as Promise<Upstreams> | Upstreams,
      this.#pressures(),
    ]);
    const { ok, details } = primary.ready();
    return {
      version: VERSION,
      node: process.version,
      pid: process.pid,
      since: this.#since,
      ready: ok,
      generation: primary.generation.id,
      details,
      threads: this.#threads(pressures),
      upstreams: upstreams.map((upstream) => summary(upstream, [...pressures.values()])),
      acme: primary.tls.acmeStatus(),
    };
  }

  /** By worker; of the main thread by 0. */
  async #pressures(): Promise<Map<number, Pressure>> {
    const { workers, gateway } = this.#options.primary;
    if (workers === undefined) return new Map([[0, gateway.pressure()]]);
    const found = new Map<number, Pressure>();
    for (const [{ worker }, pressure] of await workers.ask('pressure', undefined)) {
      if (pressure !== undefined) found.set(worker, pressure);
    }
    return found;
  }

  #threads(pressures: ReadonlyMap<number, Pressure>): ThreadStatus[] {
    const { workers, openExchanges, gateway } = this.#options.primary;
    if (workers === undefined) {
      const connections = gateway.openConnections;
      const life = { connections, in_flight: openExchanges, silent_s: 0, restarts: 0 };
      return [{ worker: 'main', state: 'serving', ...life, ...shown(pressures.get(0)) }];
    }
    return Array.from({ length: workers.count }, (_, at) => {
      const worker = at + 1;
      const thread = workers.serving.find((one) => one.worker === worker);
      const loss = this.#losses.get(worker);
      return {
        worker,
        state: thread === undefined ? 'lost' : 'serving',
        connections: thread === undefined ? 0 : workers.connectionsOf(thread),
        in_flight: thread?.state.openExchanges ?? 0,
        silent_s: ((thread?.unanswered ?? 0) * KNOCK_MS) / 1000,
        restarts: loss?.restarts ?? 0,
        ...(loss !== undefined && { last_loss: { problem: loss.problem, at: loss.at } }),
        ...shown(pressures.get(worker)),
      };
    });
  }
}

function shown(pressure: Pressure | undefined): Partial<ThreadStatus> {
  if (pressure === undefined) return {};
  return {
    event_loop_delay_ms: pressure.delayMs,
    refused_priorities: pressure.refused,
    memory_percent: pressure.memoryPercent,
    memory_short: pressure.memoryShort,
  };
}

function summary({ name, panic, endpoints }: Upstreams[number], pressures: readonly Pressure[]): UpstreamSummary {
  const limits = pressures.flatMap((pressure) => pressure.limits.filter(({ upstream }) => upstream === name));
  const sum = (of: readonly number[]): number => of.reduce((all, one) => all + one, 0);
  return {
    name,
    endpoints: endpoints.length,
    used: endpoints.filter(({ used }) => used).length,
    panic,
    in_flight: sum(endpoints.map(({ in_flight: inFlight }) => inFlight)),
    unwell: endpoints
      .filter(({ state }) => state === 'unhealthy' || state === 'ejected')
      .map(({ name: endpoint, state, reason }) => ({ endpoint, state, ...(reason !== undefined && { reason }) })),
    ...(limits.length > 0 && {
      concurrency: {
        limit: Math.floor(sum(limits.map(({ limit }) => limit))),
        waiting: sum(limits.map(({ inFlight }) => inFlight)),
      },
    }),
  };
}

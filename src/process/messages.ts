/** What the main thread and its workers say to each other. */

import type { Socket } from 'node:net';
import type { CachePurge, CacheQuestion } from '../admin/entry.ts';
import type { StoreChange } from '../cache/mirror.ts';
import type { Config } from '../config/schema.ts';
import type { GatewayEvents } from '../core/events.ts';
import type { MakerAnswer, MakerOrder } from '../encoding/variants/remote-maker.ts';
import type { AddressMemory, ServicesMemory } from '../gateway/thread.ts';
import type { ListedBan } from '../limits/bans.ts';
import type { HotKey } from '../limits/hottest.ts';
import type { MetricsSnapshot } from '../telemetry/metrics.ts';
import type { ChallengeAnswers } from '../transport/acme/challenges.ts';
import type { TlsSettings } from '../transport/tls.ts';
import type { Gateway } from './gateway.ts';

/** A config with what all threads count in for it. */
export interface GenerationOrder {
  readonly id: number;
  readonly config: Config;
  readonly memory: ServicesMemory;
  /** Of its listeners, read and checked. */
  readonly tls: ReadonlyMap<string, TlsSettings>;
}

/** What a worker begins with. */
export interface WorkerStart {
  /** Which of the workers it is, from 1; the same after a restart. It stands in log lines and metrics. */
  readonly worker: number;
  /** Its number among all threads, see gateway/thread.ts. */
  readonly thread: { readonly number: number; readonly count: number; readonly sharers: number };
  readonly generation: GenerationOrder;
  readonly addresses: AddressMemory;
  /** See connection-columns.ts. */
  readonly connections: SharedArrayBuffer;
  readonly ticketKeys: Uint8Array;
  /** How lines are made; silent where it is not given. */
  readonly log: { readonly human: boolean; readonly terminal: boolean } | undefined;
}

/** What a worker is asked, and answers in its time: by name the argument and the answer. */
export interface Questions {
  prepare: { readonly argument: GenerationOrder; readonly answer: undefined };
  commit: { readonly argument: number; readonly answer: undefined };
  abandon: { readonly argument: number; readonly answer: undefined };
  ticket_keys: { readonly argument: Uint8Array; readonly answer: undefined };
  /** For these listeners. */
  tls: { readonly argument: ReadonlyMap<string, TlsSettings>; readonly answer: true };
  /** Whether answers over HTTP/1.1 say that their connection is closed. */
  fade: { readonly argument: boolean; readonly answer: undefined };
  /** By token. */
  challenges: { readonly argument: ChallengeAnswers; readonly answer: undefined };
  metrics: { readonly argument: undefined; readonly answer: MetricsSnapshot };
  upstreams: { readonly argument: undefined; readonly answer: ReturnType<Gateway['upstreams']> };
  pressure: { readonly argument: undefined; readonly answer: ReturnType<Gateway['pressure']> };
  hottest_keys: { readonly argument: number; readonly answer: readonly HotKey[] };
  cache_summary: { readonly argument: undefined; readonly answer: Record<string, unknown> };
  cache_entries: { readonly argument: CacheQuestion; readonly answer: unknown };
  cache_purge: {
    readonly argument: CachePurge;
    readonly answer: { readonly purged: number; readonly disk: boolean | undefined };
  };
  /** Everything that is kept, as changes. */
  cache_all: { readonly argument: undefined; readonly answer: readonly StoreChange[] };
  /** Answered when the last connection is closed, or cut after so many milliseconds; the worker ends then. */
  drain: { readonly argument: number; readonly answer: undefined };
}

/** How a worker is; told when it changes. */
export interface WorkerState {
  /** The first checks of its upstreams are over. */
  readonly checked: boolean;
  /** Upstreams of which no endpoint answers. */
  readonly unreachable: readonly string[];
  readonly openExchanges: number;
}

/** What a worker announces for all: things to be told once in the process. */
export type SharedEvent = 'untrusted_proxy' | 'hint' | 'unknown_rpc';

/** From the main thread to a worker. */
export type ToWorker =
  /** The socket is paused: nothing was read of it. */
  | { readonly kind: 'connection'; readonly listener: string; readonly socket: Socket }
  | {
      [K in keyof Questions]: {
        readonly kind: 'question';
        readonly id: number;
        readonly what: K;
        readonly argument: Questions[K]['argument'];
      };
    }[keyof Questions]
  /** The lines that were sent last are in the log; more may come. */
  | { readonly kind: 'log_taken' }
  | { readonly kind: 'variants'; readonly answer: MakerAnswer }
  /** What the store of another worker has told, if anything, and the count that holds after it; see cache-relay.ts. */
  | { readonly kind: 'cache'; readonly epoch: number; readonly change: StoreChange | undefined }
  | { readonly kind: 'destroy' }
  /** To be answered at once: whether the event loop turns. */
  | { readonly kind: 'knock' };

/** From a worker to the main thread. */
export type FromWorker =
  | { readonly kind: 'ready' }
  /** It cannot begin, and ends. */
  | { readonly kind: 'unfit'; readonly problem: string }
  /** Something was thrown that nobody caught: it takes no more connections, and ends. */
  | { readonly kind: 'failing'; readonly problem: string }
  | { readonly kind: 'state'; readonly state: WorkerState }
  | { readonly kind: 'alive' }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  /** `range`: the question was wrong, not the worker. */
  | { readonly kind: 'no_answer'; readonly id: number; readonly problem: string; readonly range: boolean }
  /** Whole lines. */
  | { readonly kind: 'log'; readonly lines: string }
  | {
      [K in SharedEvent]: { readonly kind: 'event'; readonly name: K; readonly payload: GatewayEvents[K] };
    }[SharedEvent]
  /** It came when no more were taken: untouched, for another worker. */
  | { readonly kind: 'returned'; readonly listener: string; readonly socket: Socket }
  | { readonly kind: 'ban'; readonly of: 'rule' | 'address'; readonly ban: ListedBan }
  /** The last exchange of an older generation is over. */
  | { readonly kind: 'generation_over'; readonly id: number }
  | { readonly kind: 'variants'; readonly order: MakerOrder }
  /** `epoch`: the count that it was told last. */
  | { readonly kind: 'cache'; readonly epoch: number; readonly change: StoreChange };

/** The program of a worker thread: serves the connections that the main thread hands over, and answers its questions. */

import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../core/clock.ts';
import { Events, type GatewayEvents } from '../core/events.ts';
import { RemoteMaker } from '../encoding/variants/remote-maker.ts';
import { accessLog } from '../telemetry/access-log.ts';
import { connectEvents } from '../telemetry/announcements.ts';
import * as lines from '../telemetry/lines.ts';
import { createLog } from '../telemetry/log.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { createRedactor } from '../telemetry/redact.ts';
import { threadOutlet } from '../telemetry/thread-outlet.ts';
import { cacheSource } from './cache-source.ts';
import { ConnectionColumns } from './connection-columns.ts';
import { Gateway, type Prepared } from './gateway.ts';
import type { FromWorker, Questions, SharedEvent, ToWorker, WorkerStart, WorkerState } from './messages.ts';
import { servingMetrics } from './thread-metrics.ts';
import { VERSION } from './version.ts';

/** How long exchanges may still take in a worker that does not know its state any more, in milliseconds. */
const FAILING_DRAIN_MS = 2000;
/** How often the main thread is told how the worker is, where that changes, in milliseconds. */
const STATE_MS = 1000;
/** How long the last lines of the log may take, in milliseconds. */
const LOG_CLOSE_MS = 1000;
/** Told once in the process, by the main thread; the rest is told by each worker. */
const SHARED: ReadonlySet<keyof GatewayEvents> = new Set<SharedEvent>(['untrusted_proxy', 'hint', 'unknown_rpc']);
/** How many of these one worker tells in its life. */
const MAX_SHARED = 10_000;

const start = workerData as WorkerStart;
const port = parentPort!;
const { worker, thread } = start;
const { config } = start.generation;
const connections = new ConnectionColumns(start.connections);
const events = new Events();
const outlet = threadOutlet((text) => post({ kind: 'log', lines: text }), start.log?.terminal ?? false);
const log = createLog({
  level: start.log === undefined ? 'silent' : config.log.level,
  format: start.log?.human ? 'pretty' : 'json',
  bufferBytes: config.log.buffer_bytes,
  redactor: createRedactor({ names: config.log.redact_query }),
  destination: outlet,
  base: { worker },
});
/** What this worker tells and counts by itself. */
const told = new Events();
connectEvents(log, told);
if (config.log.access) accessLog(told, log);
let shared = 0;
events.onAny((name, payload) => {
  if (!SHARED.has(name)) {
    told.emit(name, payload as never);
  } else if (shared < MAX_SHARED) {
    shared += 1;
    post({ kind: 'event', name, payload } as FromWorker);
  }
});

const makers = new Set<RemoteMaker>();
const gateway = await make();
const cache = cacheSource(() => gateway.generation.services.cache, systemClock);
const prepared = new Map<number, Prepared>();
let leaving = false;
/** See cache-relay.ts. */
let epoch = 0;
let lastState: string | undefined;
let cancelState: (() => void) | undefined;
const metrics = createMetrics(told, {
  version: VERSION,
  worker: String(worker),
  droppedLines: () => log.dropped(),
  ...servingMetrics(gateway),
});

const answers: { [K in keyof Questions]: (argument: Questions[K]['argument']) => unknown } = {
  async prepare({ id, config: next, memory, tls }) {
    prepared.set(id, await gateway.prepare(id, next, tls, memory));
  },
  commit(id) {
    const next = prepared.get(id)!;
    prepared.delete(id);
    next.commit();
  },
  abandon(id) {
    prepared.get(id)?.abandon();
    prepared.delete(id);
  },
  ticket_keys: (keys) => gateway.setTicketKeys(Buffer.from(keys)),
  tls(settings) {
    gateway.useTls(settings);
    return true;
  },
  fade: (faded) => gateway.fade(faded),
  challenges: (due) => gateway.setChallenges(due),
  metrics: () => metrics.snapshot(),
  upstreams: () => gateway.upstreams(),
  pressure: () => gateway.pressure(),
  hottest_keys: (most) => gateway.generation.services.localTier.hottest(most),
  cache_summary: () => cache.summary(),
  cache_entries: (question) => cache.entries(question),
  cache_purge: (order) => cache.purge(order),
  cache_all: () => [...(gateway.generation.services.cache.mirror?.all() ?? [])],
  async drain(timeoutMs) {
    leaving = true;
    await gateway.drain(timeoutMs);
    await log.close(LOG_CLOSE_MS);
  },
};

port.on('message', (message: ToWorker) => {
  switch (message.kind) {
    case 'connection':
      take(message);
      break;
    case 'question':
      void answer(message);
      break;
    case 'log_taken':
      outlet.taken();
      break;
    case 'variants':
      for (const maker of makers) maker.answered(message.answer);
      break;
    case 'cache':
      if (message.change !== undefined) gateway.generation.services.cache.mirror?.hear(message.change);
      epoch = message.epoch;
      break;
    case 'destroy':
      gateway.destroy();
      break;
    case 'knock':
      post({ kind: 'alive' });
      break;
  }
});
process.on('uncaughtException', (error) => void fail(error));
process.on('unhandledRejection', (reason) => lines.defect(log, reason, { where: 'an unhandled rejection' }));
gateway.setTicketKeys(Buffer.from(start.ticketKeys));
gateway.onOver = (id) => post({ kind: 'generation_over', id });
void gateway.begin().then(tellState);
tellState();
post({ kind: 'ready' });

function post(message: FromWorker): void {
  port.postMessage(message);
}

async function make(): Promise<Gateway> {
  const { id, memory, tls } = start.generation;
  try {
    return await Gateway.make({
      id,
      config,
      clock: systemClock,
      events,
      tls,
      thread: {
        ...thread,
        variants: (maxQueuedBytes, maxJobs) => {
          const maker: RemoteMaker = new RemoteMaker({
            maxQueuedBytes,
            maxJobs,
            send: (order) => post({ kind: 'variants', order }),
            onDisposed: () => makers.delete(maker),
          });
          makers.add(maker);
          return maker;
        },
        warms: worker === 1,
        ...(thread.sharers > 1 && { tellStores: (change) => post({ kind: 'cache', epoch, change }) }),
        onBan: (ban) => post({ kind: 'ban', of: 'rule', ban }),
        onAddressBan: (ban) => post({ kind: 'ban', of: 'address', ban }),
      },
      memory,
      addresses: start.addresses,
      hints: worker === 1,
    });
  } catch (error) {
    post({ kind: 'unfit', problem: error instanceof Error ? error.message : String(error) });
    process.exit(1);
  }
}

function take({ listener: name, socket }: ToWorker & { kind: 'connection' }): void {
  const found = gateway.listeners.find(({ config: { name: is } }) => is === name);
  if (leaving || found === undefined) {
    connections.closed(thread.number);
    port.postMessage({ kind: 'returned', listener: name, socket } satisfies FromWorker, [socket as never]);
    return;
  }
  socket.once('close', () => connections.closed(thread.number));
  found.listener.accept(socket);
}

async function answer(message: ToWorker & { kind: 'question' }): Promise<void> {
  const { id, what } = message;
  try {
    const value = await (answers[what] as (argument: unknown) => unknown)(message.argument);
    post({ kind: 'answer', id, answer: value });
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    post({ kind: 'no_answer', id, problem, range: error instanceof RangeError });
  }
  if (what === 'drain') exit(0);
}

/**
 * Ends the thread, outside of any read: where it ends within one, data of a stream that is new in the same read aborts
 * the whole process (nodejs/node#38418).
 */
function exit(code: number): void {
  setImmediate(() => process.exit(code));
}

/** Nobody knows what state an exception left behind that nothing caught: what is in flight may end, and then it is over. */
async function fail(error: unknown): Promise<void> {
  lines.defect(log, error, { where: 'an uncaught exception' });
  if (leaving) return;
  leaving = true;
  post({ kind: 'failing', problem: error instanceof Error ? error.message : String(error) });
  await gateway.drain(FAILING_DRAIN_MS);
  await log.close(LOG_CLOSE_MS);
  exit(1);
}

/** Tells how the worker is where it has changed, and looks again in a second. */
function tellState(): void {
  const state: WorkerState = {
    checked: gateway.checked,
    unreachable: gateway.unreachable(),
    openExchanges: gateway.openExchanges,
  };
  const text = JSON.stringify(state);
  if (text !== lastState) post({ kind: 'state', state });
  lastState = text;
  cancelState?.();
  cancelState = systemClock.after(STATE_MS, tellState);
}

import { Counter, Gauge, type Registry } from 'prom-client';
import type { Events } from '../core/events.ts';
import { BoundedLabel } from './labels.ts';

/** What the cache holds and has done, as its parts count it since they were made. */
export interface CacheFigures {
  readonly memory: {
    readonly bytes: number;
    readonly max_bytes: number;
    readonly entries: number;
    /** Answers that are being fetched. */
    readonly fills: number;
    readonly evictions: number;
    readonly purged: number;
    /** Answers that came after a purge. */
    readonly refused: number;
    readonly too_large: number;
  };
  /** Undefined where nothing is kept on disk. */
  readonly disk:
    | {
        readonly bytes: number;
        readonly max_bytes: number;
        readonly entries: number;
        readonly waiting: number;
        readonly rejected: number;
        readonly dropped: number;
        /** Null while the disk can be used. */
        readonly problem: string | null;
      }
    | undefined;
  readonly variants: {
    readonly made: number;
    readonly notWorth: number;
    readonly failed: number;
    readonly refused: number;
    readonly queuedJobs: number;
    readonly queuedBytes: number;
  };
}

/** One number of the cache; `undefined` where there is none. Values with one name differ in their label. */
interface Reading {
  readonly name: string;
  readonly help: string;
  readonly of: (figures: CacheFigures) => Readonly<Record<string, number | undefined>> | number | undefined;
  /** The name of the label, where `of` gives several. */
  readonly label?: string;
}

const GAUGES: readonly Reading[] = [
  {
    name: 'gatehouse_cache_bytes',
    help: 'Bytes that stored answers take, with all that belongs to them.',
    label: 'tier',
    of: ({ memory, disk }) => ({ memory: memory.bytes, disk: disk?.bytes }),
  },
  {
    name: 'gatehouse_cache_max_bytes',
    help: 'Bytes that stored answers may take.',
    label: 'tier',
    of: ({ memory, disk }) => ({ memory: memory.max_bytes, disk: disk?.max_bytes }),
  },
  {
    name: 'gatehouse_cache_entries',
    help: 'Answers that are stored.',
    label: 'tier',
    of: ({ memory, disk }) => ({ memory: memory.entries, disk: disk?.entries }),
  },
  { name: 'gatehouse_cache_fills', help: 'Answers that are being fetched for the store.', of: (f) => f.memory.fills },
  {
    name: 'gatehouse_cache_disk_up',
    help: '1 while the directory of the cache can be used, 0 while the cache goes on in memory.',
    of: ({ disk }) => disk && Number(disk.problem === null),
  },
  { name: 'gatehouse_cache_disk_waiting', help: 'Writes that wait for the disk.', of: ({ disk }) => disk?.waiting },
  { name: 'gatehouse_variants_queued', help: 'Codings of stored bodies that wait.', of: (f) => f.variants.queuedJobs },
  {
    name: 'gatehouse_variants_queued_bytes',
    help: 'Bytes of the bodies that wait to be coded.',
    of: (f) => f.variants.queuedBytes,
  },
];

const COUNTERS: readonly Reading[] = [
  {
    name: 'gatehouse_cache_evictions_total',
    help: 'Stored answers that gave way to others.',
    of: (f) => f.memory.evictions,
  },
  {
    name: 'gatehouse_cache_purged_total',
    help: 'Stored answers that were thrown away by order, by an unsafe request or by a new release.',
    of: (f) => f.memory.purged,
  },
  {
    name: 'gatehouse_cache_refused_total',
    help: 'Answers that were fetched and not stored: they came after a purge, or were too large.',
    label: 'reason',
    of: ({ memory }) => ({ purged: memory.refused, too_large: memory.too_large }),
  },
  {
    name: 'gatehouse_cache_disk_rejected_total',
    help: 'Files of the cache that were thrown away at the start: torn, foreign, or of another version.',
    of: ({ disk }) => disk?.rejected,
  },
  {
    name: 'gatehouse_cache_disk_dropped_total',
    help: 'Stored answers that were not written to the disk.',
    of: ({ disk }) => disk?.dropped,
  },
  {
    name: 'gatehouse_variants_total',
    help: 'Codings of stored bodies: made, hardly smaller and thrown away, failed, or refused because the queue was full.',
    label: 'outcome',
    of: ({ variants: { made, notWorth, failed, refused } }) => ({ made, not_worth: notWorth, failed, refused }),
  },
];

/** The values of a reading with their labels. */
function valuesOf({ of, label }: Reading, figures: CacheFigures): (readonly [Record<string, string>, number])[] {
  const found = of(figures);
  if (found === undefined) return [];
  if (typeof found === 'number') return [[{}, found]];
  return Object.entries(found).flatMap(([value, number]) =>
    number === undefined ? [] : [[{ [label!]: value }, number] as const],
  );
}

/** What became of requests on routes with a cache, and what the cache holds; the latter is asked when metrics are read. */
export function cacheMetrics(registry: Registry, events: Events, figures: (() => CacheFigures) | undefined): void {
  const registers = [registry];
  const routes = new BoundedLabel();
  const requests = new Counter({
    name: 'gatehouse_cache_requests_total',
    help: 'Requests on routes with a cache: hit, stale, revalidated, miss or bypass.',
    labelNames: ['route', 'outcome'],
    registers,
  });
  events.on('exchange', ({ exchange, record }) => {
    if (record.cache !== undefined) requests.inc({ route: routes.of(exchange.route.name), outcome: record.cache });
  });
  if (figures === undefined) return;
  const metric = (reading: Reading) => ({
    name: reading.name,
    help: reading.help,
    labelNames: reading.label === undefined ? [] : [reading.label],
    registers,
  });
  for (const reading of GAUGES) {
    new Gauge({
      ...metric(reading),
      collect() {
        this.reset();
        const values = valuesOf(reading, figures());
        // Without a disk there is no number, and prom-client would say 0.
        if (values.length === 0) this.remove();
        for (const [labels, value] of values) this.set(labels, value);
      },
    });
  }
  for (const reading of COUNTERS) {
    new Counter({
      ...metric(reading),
      // A reload may put a new store in place of the old one: then it begins at 0, as after a restart.
      collect() {
        this.reset();
        for (const [labels, value] of valuesOf(reading, figures())) this.inc(labels, value);
      },
    });
  }
}

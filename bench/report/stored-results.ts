/** A file of `--json`, checked before a page is made of it: it may be old, cut off, or something else. */

import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { ResultFile } from '../load/result.ts';

const number = z.number();
const perhaps = z.number().nullish();
const rate = z.looseObject({ from: number, to: number, share: z.number().optional() });
const kinds = z.record(z.string(), z.number());
const latency = z.looseObject({ p50: number, p90: number, p99: number, p999: number, max: number });

const result = z.looseObject({
  scenario: z.string(),
  server: z.string(),
  loop: z.enum(['closed', 'open']),
  rate: rate.optional(),
  protocol: z.string(),
  tls: z.boolean(),
  connections: number,
  streams: number,
  warmUpS: number,
  durationS: number,
  answers: number,
  rps: number,
  errors: number,
  errorKinds: kinds,
  warmUpErrors: kinds,
  latencyMs: latency,
  histogram: z.string(),
  course: z
    .looseObject({
      intervalMs: number.positive(),
      intervals: z.array(
        z.looseObject({ answers: number, errors: number, p50Ms: number, p99Ms: number, maxMs: number }),
      ),
    })
    .optional(),
  serverCost: z
    .looseObject({
      cpuSPer1000: perhaps,
      cores: perhaps,
      rssBytes: perhaps,
      gcShare: perhaps,
      loopP99Ms: perhaps,
      loopMaxMs: perhaps,
    })
    .optional(),
  generator: z.looseObject({ busy: number, lateP99Ms: number, cpuMicrosPerRequest: number, threads: number }),
  notCompared: z.array(z.string()),
});

const comparison = z.looseObject({
  scenario: z.string(),
  loop: z.enum(['closed', 'open']),
  server: z.string(),
  against: z.string(),
  measure: z.string(),
  ratio: number,
  spread: z.tuple([number, number]),
  rounds: number,
  withinNoise: z.boolean(),
});

const file = z.looseObject({
  format: z.literal('gatehouse-bench/1'),
  startedAt: z.string(),
  command: z.string(),
  args: z.array(z.string()).optional(),
  target: z.string(),
  pinned: z.boolean(),
  machine: z.looseObject({
    cpu: z.string(),
    cores: number,
    memoryBytes: number,
    system: z.string(),
    node: z.string(),
    openssl: z.string(),
    gatehouse: z.string(),
    revision: z.string().optional(),
  }),
  scenarios: z.array(z.looseObject({ name: z.string(), about: z.string() })).optional(),
  results: z.array(result).min(1, 'expected at least one result'),
  skipped: z.array(z.looseObject({ scenario: z.string(), server: z.string(), why: z.string() })),
  comparison: z.array(comparison).optional(),
});

/** Reads one. Throws with the place in the file where it is not what the bench writes. */
export function readStoredResults(path: string): ResultFile {
  let read: unknown;
  try {
    read = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`);
  }
  const { success, error, data } = file.safeParse(read);
  if (success) return data as unknown as ResultFile;
  const [{ path: place, message }] = error.issues as [z.core.$ZodIssue];
  throw new Error(
    `${path}: no results of this bench: ${place.length > 0 ? `${z.core.toDotPath(place)}: ` : ''}${message}`,
  );
}

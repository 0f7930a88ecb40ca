import { z } from 'zod';
import type { AccessRecord } from '../core/exchange.ts';
import { setField } from '../core/headers.ts';
import { definePolicy } from '../core/policy.ts';

/** Milliseconds with as many places as browsers show. */
const rounded = (milliseconds: number): number => Math.round(Math.max(0, milliseconds) * 10) / 10;

/** What is known when the head goes out: who was asked, how long that took, and what the gateway took beside. */
function members(record: AccessRecord, now: number): string[] {
  const { cache, started, upstreamStarted, firstByte = now } = record;
  // Who waited for the answer to another request may have come after that was sent.
  const upstream = upstreamStarted === undefined ? undefined : firstByte - Math.max(upstreamStarted, started);
  return [
    ...(cache === undefined ? [] : [`cache;desc=${cache}`]),
    ...(upstream === undefined ? [] : [`upstream;dur=${rounded(upstream)}`]),
    `gatehouse;dur=${rounded(now - started - (upstream ?? 0))}`,
  ];
}

/**
 * Tells browsers where the time went until the head of an answer. A policy of its own, and the outermost: what `headers`
 * sets would be stored by the cache, and tell all who come later of the first one's time.
 */
export const serverTiming = definePolicy({
  name: 'server_timing',
  summary:
    'Adds Server-Timing to answers: what the cache did, and how long upstream and gateway took. It tells strangers too.',
  options: z.strictObject({}),
  hooks(_options, { clock }) {
    return {
      onAnswer: function serverTiming({ dialect, record }, answer) {
        // To gRPC a header field is metadata, which its callers see.
        if (dialect.name === 'grpc') return;
        const said: string[] = [];
        for (let i = 0; i < answer.fields.length; i += 2) {
          if (answer.fields[i] === 'server-timing') said.push(answer.fields[i + 1]!);
        }
        setField(answer.fields, 'server-timing', [...said, ...members(record, clock.now())].join(', '));
      },
    };
  },
});

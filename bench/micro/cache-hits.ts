/** What it costs to answer from the cache: from the request to the fields and the body that are to be sent. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Store } from '../../src/cache/store.ts';
import type { CacheKey, StoredAnswer } from '../../src/cache/stored.ts';
import { systemClock } from '../../src/core/clock.ts';
import { Events } from '../../src/core/events.ts';
import type { Answer } from '../../src/core/exchange.ts';
import { answerFields, getField, setField } from '../../src/core/headers.ts';
import type { PolicyServices } from '../../src/core/policy.ts';
import type { Fields } from '../../src/core/raw.ts';
import { QuickCodings } from '../../src/encoding/quick-codings.ts';
import type { OpenExchange } from '../../src/gateway/exchange.ts';
import { cache } from '../../src/policies/cache.ts';
import { type Case, inTurn, measured } from './case.ts';
import { exchangeOf, ROUTE } from './exchanges.ts';
import { ANSWER_FIELDS, BROWSER_FIELDS } from './requests.ts';

/** So many files, as a Console has. */
const FILES = 128;
const YEAR_S = 31_536_000;

const store = new Store({ maxBytes: 64_000_000, maxEntryBytes: 1_000_000 }, systemClock);
const target = (i: number): string => `/ui/console/chunk-${i}-4UBZJX7R.js`;
const keyOf = (i: number): CacheKey => ({
  scheme: 'https',
  host: 'id.example.com',
  target: target(i),
  route: ROUTE.name,
});
const etag = (i: number): string => `"chunk-${i}"`;

function answerOf(i: number): StoredAnswer {
  const body = Buffer.alloc(18_211, `file ${i} `);
  const fields = answerFields([...ANSWER_FIELDS]);
  setField(fields, 'content-length', undefined);
  setField(fields, 'vary', undefined);
  setField(fields, 'etag', etag(i));
  return {
    ...{ status: 200, fields, body, digest: createHash('sha256').update(body).digest('base64url') },
    // As the variant maker leaves them.
    codings: new Map(['br', 'zstd', 'gzip'].map((coding) => [coding, Buffer.alloc(4000, coding)])),
    ...{ vary: [], requestedAt: Date.now(), receivedAt: Date.now(), freshForS: YEAR_S, initialAgeS: 0 },
    ...{ staleWhileRevalidateS: 0, staleIfErrorS: 0, revalidate: 'may_be_stale', release: '' },
  };
}
for (let i = 0; i < FILES; i += 1) store.put(keyOf(i), answerOf(i), store.begin(keyOf(i)));

const maker = { make: () => undefined };
const quick = new QuickCodings(1_000_000);
const parts = { store, maker, quick, mirror: undefined, disk: undefined, warmHosts: [] };
const hook = cache.hooks(cache.options.parse({ request_fields: [] }), {
  route: ROUTE,
  clock: systemClock,
  events: new Events(),
  app: {} as FastifyInstance,
  services: { cache: parts } as unknown as PolicyServices,
  fetch: () => {
    throw new Error('nothing is fetched');
  },
  kept: (make) => make(),
}).preHandler!;

/** A browser asks for a file without credentials, since those pass the cache by. */
const ASKED = [...BROWSER_FIELDS];
for (const name of ['authorization', 'cookie']) setField(ASKED, name, undefined);

let answered: Answer | undefined;
const respond = (answer: Answer): void => {
  answered = answer;
};
const exchangesWith = (more: (i: number) => Fields): (() => OpenExchange) =>
  inTurn(
    Array.from({ length: FILES }, (_, i) =>
      exchangeOf({ method: 'GET', target: target(i), fields: [...ASKED, ...more(i)] }, { respond }),
    ),
  );

function ask(exchange: OpenExchange): Answer | undefined {
  answered = undefined;
  hook({ exchange } as unknown as FastifyRequest, {} as FastifyReply, () => {});
  return answered;
}

const plain = exchangesWith(() => []);
// The tag of the answer in Brotli, which is what a browser was sent.
const holding = exchangesWith((i) => ['if-none-match', `"chunk-${i}-br"`]);
const part = exchangesWith(() => ['range', 'bytes=0-1023']);
const key = inTurn(Array.from({ length: FILES }, (_, i) => keyOf(i)));

function sent(status: number, coding?: string): (answer: Answer | undefined) => void {
  return (answer) => {
    assert.equal(answer?.status, status);
    assert.equal(getField(answer.fields, 'content-encoding'), coding);
    assert.match(getField(answer.fields, 'cache-status') ?? '', /^gatehouse; hit; ttl=\d+$/);
    assert.match(getField(answer.fields, 'etag') ?? '', /^"chunk-\d+/);
    assert.equal(getField(answer.fields, 'age') !== undefined, true);
  };
}

export const cases: readonly Case[] = [
  measured(
    'look-up in the store alone',
    () => store.get(key()),
    (found) => assert.equal(found.length, 1),
  ),
  measured('fresh, 200 in Brotli', () => ask(plain()), sent(200, 'br')),
  measured('not changed, 304', () => ask(holding()), sent(304)),
  measured('a range, 206', () => ask(part()), sent(206)),
];

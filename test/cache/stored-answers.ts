import { createHash } from 'node:crypto';
import type { CacheKey, StoredAnswer } from '../../src/cache/stored.ts';

/** A key of the Console; what a test cares for is given. */
export function keyOf(target: string, parts: Partial<CacheKey> = {}): CacheKey {
  return { scheme: 'https', host: 'id.example.com', target, route: 'console', ...parts };
}

/** An answer with this body. */
export function answerOf(text: string | Buffer, parts: Partial<StoredAnswer> = {}): StoredAnswer {
  const body = Buffer.from(text);
  return {
    status: 200,
    fields: ['content-type', 'text/javascript'],
    body,
    digest: createHash('sha256').update(body).digest('base64url'),
    codings: new Map(),
    vary: [],
    requestedAt: Date.UTC(2026, 0, 1),
    receivedAt: Date.UTC(2026, 0, 1),
    freshForS: 300,
    initialAgeS: 0,
    staleWhileRevalidateS: 0,
    staleIfErrorS: 0,
    revalidate: 'may_be_stale',
    release: '',
    ...parts,
  };
}

import { z } from 'zod';
import { fieldName } from '../../core/headers.ts';

const YEAR_S = 31_536_000;
const seconds = z.int().min(0).max(YEAR_S);

const field = z
  .string()
  .transform((text) => text.toLowerCase())
  .refine((text) => fieldName(text), { error: 'expected a header name: letters, digits and -' });

/** A targeted field is named so, RFC 9213 section 2.1; the other one is older. */
const targetedField = field.refine((text) => text.endsWith('-cache-control') || text === 'surrogate-control', {
  error: 'expected a name that ends in -cache-control, or surrogate-control',
});

const path = z.string().regex(/^\/[^?#%\s]*$/, { error: 'expected a path like /ui/console/' });

/** A pattern of file names; compiled here, so that a wrong one is an error of the config. */
const pattern = z
  .string()
  .max(500)
  .refine(
    (text) => {
      try {
        return new RegExp(text).source !== '';
      } catch {
        return false;
      }
    },
    { error: 'expected a regular expression' },
  );

const singlePageApp = z.strictObject({
  index: path.describe('The page. Every path without a dot in its last segment answers it too, and is stored as it.'),
  hashed: pattern.describe(
    'A regular expression for the names of files that have a hash of their content in their name: such a file never changes, and stays when a new page comes.',
  ),
  unhashed_ttl_s: seconds
    .default(3600)
    .describe('The longest freshness of files without a hash, in seconds, whatever the origin says.'),
  hashed_ttl_s: seconds
    .default(YEAR_S)
    .describe('The freshness of files with a hash, in seconds, where the origin lets them be stored.'),
  early_hints: z
    .boolean()
    .default(false)
    .describe(
      'Whether a browser that waits for the page over HTTP/2 is sent a 103 with the scripts and styles of the last one.',
    ),
  warm: z
    .boolean()
    .default(false)
    .describe('Whether the page and what it loads are fetched at the start, for every host in `cache.warm_hosts`.'),
});

/** The options of the policy. */
export const options = z.strictObject({
  credentials: z
    .enum(['bypass', 'strip', 'rfc9111'])
    .default('bypass')
    .describe(
      'What a request with Authorization or Cookie is: `bypass` passes the cache by; `strip` takes them for irrelevant and does not send them on; `rfc9111` follows RFC 9111 section 3.5.',
    ),
  strip_set_cookie: z
    .boolean()
    .default(false)
    .describe(
      'Whether Set-Cookie is taken from an answer, for everybody, so that it can be stored. Else such an answer is not stored.',
    ),
  request_fields: z
    .union([z.literal('all'), z.array(field).max(50)])
    .default(['accept', 'accept-language'])
    .describe(
      'The fields of a request that go upstream when an answer is fetched for the store. What does not go cannot poison it, and what goes is part of the key, whatever Vary says. `all` sends what the client sent, and trusts the Vary of the origin.',
    ),
  query: z
    .enum(['keep', 'drop'])
    .default('keep')
    .describe('`drop`: the query is no part of the key, and does not go upstream.'),
  heuristic: z
    .boolean()
    .default(false)
    .describe('Whether an answer with Last-Modified and no lifetime is fresh for a tenth of its age.'),
  default_ttl_s: seconds
    .default(0)
    .describe('The freshness of an answer about which the origin says nothing, in seconds; 0 stores none.'),
  max_ttl_s: seconds
    .default(0)
    .describe('The longest freshness, in seconds, whatever the origin says; 0 for no limit.'),
  stale_while_revalidate_s: seconds
    .default(0)
    .describe('How long a stale answer is still served while it is fetched anew, where the origin does not say.'),
  stale_if_error_s: seconds
    .default(0)
    .describe('How long a stale answer is still served while the origin fails, where the origin does not say.'),
  stale_if_error_always: z
    .boolean()
    .default(false)
    .describe(
      'Whether `stale_if_error_s` counts also where the origin says must-revalidate, which forbids it (RFC 9111 section 5.2.2.2). For answers without which nothing works.',
    ),
  statuses: z
    .array(z.int().min(200).max(599))
    .default([])
    .describe('The only statuses that are stored; none for all that HTTP allows.'),
  client_directives: z
    .enum(['honour', 'ignore'])
    .default('honour')
    .describe("Whether Cache-Control and Pragma of requests count. A browser's reload asks the origin where they do."),
  targeted_fields: z
    .array(targetedField)
    .max(10)
    .default(['cdn-cache-control'])
    .describe(
      'The fields of an answer that go before its Cache-Control and Expires, the first that is there and valid: those of RFC 9213, and `surrogate-control`, which does not go to clients where it is named here.',
    ),
  fetch_timeout_ms: z
    .int()
    .min(100)
    .max(600_000)
    .default(30_000)
    .describe('How long the head of a fetched answer may take, in milliseconds.'),
  wait_ms: z
    .int()
    .min(0)
    .max(600_000)
    .default(10_000)
    .describe(
      'How long a request waits for an answer that is fetched for another one, in milliseconds; then it goes by itself. With a stale answer that stands in for failures it waits no longer than this for any, and gets the stale one.',
    ),
  uncacheable_s: z
    .int()
    .min(0)
    .max(3600)
    .default(30)
    .describe('How long requests do not wait for one another after an answer that could not be stored, in seconds.'),
  variants: z
    .boolean()
    .default(true)
    .describe('Whether stored bodies are coded at the best level in the background, for all who come later.'),
  single_page_app: z
    .union([z.literal(false), singlePageApp])
    .default(false)
    .describe('Rules for the files of a page that is built anew with each release, as the Console is.'),
});

/** The options of the `cache` policy, with their defaults. */
export type CacheOptions = z.output<typeof options>;
/** What the config says of a page with its files. */
export type SinglePageApp = z.output<typeof singlePageApp>;

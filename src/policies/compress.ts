import { z } from 'zod';
import { codedTag, parseTag, parseTagList, tagText, uncodedList, weakMatch } from '../cache/etag.ts';
import { GatewayError } from '../core/errors.ts';
import type { Answer, Exchange } from '../core/exchange.ts';
import { addVary, getField, joinedField, setField } from '../core/headers.ts';
import { definePolicy } from '../core/policy.ts';
import type { Fields } from '../core/raw.ts';
import { CODING_NAMES, type CodingName } from '../encoding/coding.ts';
import { CodingSink } from '../encoding/coding-sink.ts';
import { DIGEST_FIELDS } from '../encoding/digests.ts';
import { EncoderPlaces } from '../encoding/encoder-places.ts';
import { codingOf } from '../encoding/index.ts';
import { COMPRESSIBLE_TYPES, MEDIA_TYPE_PATTERN, MediaTypes, neverCoded } from '../encoding/media-types.ts';
import { Acceptance } from '../encoding/negotiate.ts';
import { asksNoTransform, NO_TRANSFORM } from '../encoding/no-transform.ts';
import { SMALL_BYTES } from '../encoding/whole-encoder.ts';

/** Answers of this process that are coded while they pass, of all routes: about 1.5 MiB each. More go out uncoded. */
const PLACES = new EncoderPlaces(128);

const mediaType = z
  .string()
  .max(100)
  .transform((text) => text.toLowerCase())
  .refine((text) => MEDIA_TYPE_PATTERN.test(text), {
    error: 'expected a media type without parameters: text/html, text/* or application/*+json',
  })
  .refine((text) => !neverCoded(text), { error: 'streams of messages are never compressed' });

/** Why an answer is not coded whatever the client accepts, or the length of its body where it is known. */
type Found = { readonly no: true } | { readonly no: false; readonly size: number | undefined };
const NO: Found = { no: true };

/** Reads the fields of an answer once. */
function look(fields: Fields, types: MediaTypes, minBytes: number, secretive: boolean): Found {
  let size: number | undefined;
  let contentType: string | undefined;
  let setsCookie = false;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    const value = fields[i + 1]!;
    switch (name) {
      case 'content-type':
        contentType = value;
        break;
      case 'content-length':
        size = Number(value);
        if (!(size >= minBytes)) return NO;
        break;
      case 'content-encoding':
        if (value.trim().toLowerCase() !== 'identity') return NO;
        break;
      case 'content-range':
        return NO;
      case 'cache-control':
        if (NO_TRANSFORM.test(value)) return NO; // RFC 9111 section 5.2.2.6
        break;
      case 'set-cookie':
        setsCookie = true;
        break;
      default:
        if (DIGEST_FIELDS.has(name)) return NO;
    }
  }
  const { compressible, document } = types.of(contentType);
  if (!compressible || (document && (secretive || setsCookie))) return NO;
  return { no: false, size };
}

/** The head of the coded answer. */
function label(fields: Fields, coding: CodingName): void {
  setField(fields, 'content-encoding', coding);
  setField(fields, 'content-length', undefined);
  // Parts of bytes that are made anew each time cannot be had.
  setField(fields, 'accept-ranges', undefined);
  const etag = getField(fields, 'etag');
  const tag = etag === undefined ? undefined : parseTag(etag);
  if (tag !== undefined && !tag.weak) setField(fields, 'etag', tagText(codedTag(tag, coding, 'weak')));
}

/** A 304 that says the origin's tag gets the one under which the client has the coded answer. */
function restoreTag(exchange: Exchange, fields: Fields): void {
  const etag = getField(fields, 'etag');
  const asked = joinedField(exchange.raw.fields, 'if-none-match');
  if (etag === undefined || asked === undefined) return;
  const tag = parseTag(etag);
  if (tag === undefined) return;
  const named = parseTagList(asked);
  if (named === '*' || named.some((one) => weakMatch(one, tag))) return;
  for (const coding of CODING_NAMES) {
    const coded = codedTag(tag, coding, 'weak');
    const had = named.find((one) => weakMatch(one, coded));
    if (had === undefined) continue;
    setField(fields, 'etag', tagText(had));
    addVary(fields, 'accept-encoding');
    return;
  }
}

/** Puts the encoder into the way of the body; false where there is no place for one. */
function code(exchange: Exchange, answer: Answer, coding: CodingName, size: number | undefined): boolean {
  const small = size !== undefined && size <= SMALL_BYTES;
  const place = small ? undefined : PLACES.take();
  if (place !== undefined) exchange.hold(place);
  else if (!small) return false;
  const { record } = exchange;
  const sink = new CodingSink(answer.sink ?? exchange.downstream, codingOf(coding), {
    size,
    onBytes: (bytes) => {
      record.bytesOut += bytes;
    },
    onError: (cause) => {
      const error = new GatewayError('DEFECT', { detail: `encoder ${coding}`, cause });
      record.error ??= error;
      exchange.abort(error);
    },
    onDone: () => place?.[Symbol.dispose](),
  });
  answer.sink = sink;
  answer.filter = sink;
  return true;
}

/** Compresses answers while they pass, for clients that accept it; what is compressed already stays as it is. */
export const compress = definePolicy({
  name: 'compress',
  summary: 'Compresses answers for clients that accept it.',
  options: z.strictObject({
    codings: z
      .array(z.enum(CODING_NAMES))
      .min(1)
      .refine((list) => new Set(list).size === list.length, { error: 'each coding once' })
      .default([...CODING_NAMES])
      .describe('The codings, preferred first; a client that weighs them with q values is followed.'),
    min_bytes: z
      .int()
      .min(0)
      .max(2 ** 30)
      .default(1024)
      .describe('Bodies that are known to be smaller stay as they are, in bytes.'),
    content_types: z
      .array(mediaType)
      .min(1)
      .default([...COMPRESSIBLE_TYPES])
      .describe('Media types that are compressed: `text/html`, `text/*`, `application/*+json`.'),
    with_cookies: z
      .boolean()
      .default(false)
      .describe(
        'Also compress pages and documents that answer a request with a Cookie or set one. Such answers may hold secrets beside what an attacker had reflected, and their length tells (BREACH).',
      ),
  }),
  hooks({ codings, min_bytes, content_types, with_cookies }) {
    const types = new MediaTypes(content_types);
    const acceptance = new Acceptance(codings);
    return {
      preHandler: function compress(request, _reply, done) {
        const { exchange } = request;
        for (const name of ['if-none-match', 'if-match']) {
          if (exchange.head.headers[name] === undefined || exchange.dialect.name !== 'http') continue;
          const value = uncodedList(joinedField(exchange.raw.fields, name) ?? '', CODING_NAMES);
          if (value !== undefined) exchange.requestEdits.push({ name, value });
        }
        done();
      },
      onAnswer: function compress(exchange, answer) {
        const { head, dialect } = exchange;
        // The gateway's own bodies have passed @fastify/compress; RPCs have codings of their own.
        if (answer.source === 'gateway' || dialect.name !== 'http') return;
        const { status, fields } = answer;
        if (status === 304) return restoreTag(exchange, fields);
        if (status < 200 || status === 204 || status === 205 || status === 206) return;
        const isHead = head.method === 'HEAD';
        if (answer.ended && !isHead) return;
        const secretive = !with_cookies && answer.source === 'upstream' && head.headers.cookie !== undefined;
        const found = look(fields, types, min_bytes, secretive);
        if (found.no) return;
        addVary(fields, 'accept-encoding');
        const coding = acceptance.coding(head.headers['accept-encoding']);
        if (coding === undefined) return;
        if (asksNoTransform(head)) return;
        if (isHead || code(exchange, answer, coding, found.size)) label(fields, coding);
      },
    };
  },
  explain({ codings, min_bytes, content_types, with_cookies }) {
    const acceptance = new Acceptance(codings);
    return ({ dialect, head }) => {
      if (dialect.name !== 'http') return [`never: ${dialect.name} has codings of its own`];
      const coding = acceptance.coding(head.headers['accept-encoding']);
      if (coding === undefined) return [`never: the client accepts none of ${codings.join(', ')}`];
      if (asksNoTransform(head)) return ['never: the client says no-transform'];
      const [one, two] = content_types;
      const types =
        content_types.length > 2 ? `one of ${content_types.length} types` : [one, two].filter(Boolean).join(' or ');
      const cookies = with_cookies
        ? ''
        : head.headers.cookie === undefined
          ? '; no page or document that sets a cookie'
          : '; no page or document: the request has a Cookie';
      return [`${coding}, where the answer is ${types} and of ${min_bytes} bytes or more${cookies}`];
    };
  },
});

import { z } from 'zod';
import type { FieldEdit } from '../core/exchange.ts';
import { fieldName, fieldValue, getField, setField } from '../core/headers.ts';
import { definePolicy } from '../core/policy.ts';
import type { Fields } from '../core/raw.ts';

/** Fields that the gateway owns: framing, the authority, and who the client is. */
const OWNED = new Set([
  'connection',
  'content-length',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
]);

const name = z
  .string()
  .transform((text) => text.toLowerCase())
  .refine((text) => fieldName(text), { error: 'expected a header name: letters, digits and -' })
  .refine((text) => !OWNED.has(text), { error: 'this header is owned by the gateway' });
const value = z
  .string()
  .max(8192)
  .refine((text) => fieldValue(text), { error: 'expected a header value without line breaks or control characters' });

/** The changes that one direction asks for, removals first. */
export function fieldEdits(asked: { set: Record<string, string>; remove: readonly string[] }): FieldEdit[] {
  return [
    ...asked.remove.map((field) => ({ name: field, value: undefined })),
    ...Object.entries(asked.set).map(([field, text]) => ({ name: field, value: text })),
  ];
}

/**
 * Sets fields that are not there. A page that says in its Content-Security-Policy who may frame it has said all of it:
 * X-Frame-Options would contradict it in browsers that know only the older field (CSP Level 3, section 6.4.2).
 */
function fill(fields: Fields, defaults: readonly (readonly [name: string, value: string])[]): void {
  for (const [name, value] of defaults) {
    if (getField(fields, name) !== undefined || (name === 'x-frame-options' && saysFrames(fields))) continue;
    fields.push(name, value);
  }
}

function saysFrames(fields: Fields): boolean {
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] !== 'content-security-policy') continue;
    if (/(?:^|[;,])\s*frame-ancestors(?:[\s;,]|$)/i.test(fields[i + 1]!)) return true;
  }
  return false;
}

/** Sets and removes header fields in both directions, after the gateway's own hygiene. */
export const headers = definePolicy({
  name: 'headers',
  summary: 'Sets and removes header fields of requests and answers.',
  options: z.strictObject({
    request: z
      .strictObject({
        set: z.record(name, value).default({}).describe('Fields set on the way to the upstream, replacing what came.'),
        remove: z.array(name).default([]).describe('Fields removed on the way to the upstream.'),
      })
      .prefault({})
      .describe('Changes to requests.'),
    answer: z
      .strictObject({
        set: z.record(name, value).default({}).describe('Fields set on the answer, replacing what the upstream sent.'),
        default: z
          .record(name, value)
          .default({})
          .describe(
            'Fields set on the answer where the upstream sent none. X-Frame-Options also gives way to `frame-ancestors`.',
          ),
        default_https: z
          .record(name, value)
          .default({})
          .describe('The same for clients that came by https, as for Strict-Transport-Security.'),
        remove: z.array(name).default([]).describe('Fields removed from the answer.'),
      })
      .prefault({})
      .describe('Changes to answers.'),
  }),
  hooks({ request: inward, answer: outward }) {
    const edits = fieldEdits(inward);
    const answerEdits = fieldEdits(outward);
    const defaults = Object.entries(outward.default);
    const secured = Object.entries(outward.default_https);
    return {
      ...(edits.length > 0 && {
        preHandler: function headers(request, _reply, done) {
          request.exchange.requestEdits.push(...edits);
          done();
        },
      }),
      ...((answerEdits.length > 0 || defaults.length > 0 || secured.length > 0) && {
        onAnswer: function headers({ client }, answer) {
          for (const edit of answerEdits) setField(answer.fields, edit.name, edit.value);
          fill(answer.fields, defaults);
          if (client.scheme === 'https') fill(answer.fields, secured);
        },
      }),
    };
  },
});

import { z } from 'zod';
import { fieldName } from '../../core/headers.ts';

/** Fields that never hold a client's address: clients choose them, or they mean something else on every hop. */
const OTHER_MEANING = new Set([
  'accept',
  'authorization',
  'connection',
  'cookie',
  'date',
  'expect',
  'forwarded',
  'from',
  'host',
  'http2-settings',
  'keep-alive',
  'origin',
  'referer',
  'server',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'via',
  'x-request-id',
]);
const OTHER_FAMILY = /^(?:accept-|access-control-|content-|grpc-|if-|proxy-|sec-|x-forwarded-|x-zitadel-)/;

const header = z
  .string()
  .transform((text) => text.toLowerCase())
  .refine((text) => fieldName(text), { error: 'expected a header name: letters, digits and -' })
  .refine((text) => text !== 'x-forwarded-for' && text !== 'forwarded', {
    error: 'a list of addresses: expected `from` with this name, and no `header`',
  })
  .refine((text) => !OTHER_MEANING.has(text) && !OTHER_FAMILY.test(text), {
    error: 'this header has another meaning: expected one that a CDN writes itself, such as cf-connecting-ip',
  });

/** Where trusted peers say who the client is: one place, so that a client cannot use another one. */
export const clientAddress = z
  .strictObject({
    from: z
      .enum(['x-forwarded-for', 'forwarded', 'header'])
      .default('x-forwarded-for')
      .describe(
        '`x-forwarded-for`, with X-Forwarded-Proto for the scheme; `forwarded`: the Forwarded header of RFC 7239, for both; `header`: the one address in `header`, with X-Forwarded-Proto. The others are not looked at.',
      ),
    header: header
      .optional()
      .describe(
        'With `from: header`: a header such as cf-connecting-ip that the CDN overwrites on every request, whatever the client sent.',
      ),
  })
  .superRefine(({ from, header }, context) => {
    if (from === 'header' && header === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['header'],
        message: 'is missing: expected a name such as cf-connecting-ip',
      });
    }
    if (from !== 'header' && header !== undefined) {
      context.addIssue({
        code: 'custom',
        path: ['header'],
        message: 'is not looked at: expected `from: header` with it',
      });
    }
  });

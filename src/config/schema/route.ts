import { z } from 'zod';
import { DIALECT_NAMES } from '../../core/exchange.ts';
import { METHODS } from '../../transport/faults.ts';
import { host } from '../host.ts';
import { pattern } from '../pattern.ts';
import { name } from './name.ts';
import { policySettings } from './policies.ts';
import { routeRetry } from './retry.ts';

/** The forms in which a refusal is said over plain HTTP. */
const FORMS = ['rest', 'oauth', 'scim', 'html', 'text'] as const;

const absolutePath = z.string().regex(/^\/[^?#%\\\s{}*]*$/, {
  error: 'expected a decoded path without query, {name} and *',
});

/** Other beginnings for a forwarded path: the segments of `from` give way to those of `to`, everything after them stays byte for byte. */
export const rewrite = z.strictObject({
  from: absolutePath.describe('Whole segments that every path of the route begins with; `/` is none.'),
  to: absolutePath.describe('What stands in their place; `/` is nothing.'),
});

/**
 * An own entry of the route table, as it is written: what it leaves out is filled in when the table is made, with the
 * default of the key or, where it overrides a route of the preset, with what the preset says.
 */
export const route = z
  .strictObject({
    name: name.describe('Name in logs and metrics. The name of a preset route overrides that route.'),
    place: z
      .enum(['before', 'after'])
      .optional()
      .meta({ default: 'before' })
      .describe("Which wins among equally specific matches: before or after the preset's table."),
    listeners: z
      .array(name)
      .optional()
      .meta({ default: [] })
      .describe('Names of the listeners that serve the route; empty for all.'),
    hosts: z
      .array(host)
      .optional()
      .meta({ default: [] })
      .describe('Host names, exact or `*.example.com`; empty for any.'),
    paths: z
      .array(pattern)
      .min(1)
      .optional()
      .describe(
        'Path patterns: exact, `{name}` for a segment or the rest of one, `/*` at the end for a path and everything below.',
      ),
    methods: z
      .array(
        z
          .string()
          .transform((text) => text.toUpperCase())
          .refine((text) => (METHODS as readonly string[]).includes(text), {
            error: `expected ${METHODS.slice(0, -1).join(', ')} or ${METHODS.at(-1)}: others are served by no route`,
          }),
      )
      .optional()
      .meta({ default: [] })
      .describe('HTTP methods; empty for any. GET does not include HEAD.'),
    dialects: z
      .array(z.enum(DIALECT_NAMES))
      .optional()
      .meta({ default: [] })
      .describe('Dialects, told by the content type; empty for any.'),
    action: z.enum(['forward', 'refuse', 'redirect']).optional().meta({ default: 'forward' }).describe('What is done.'),
    upstream: name
      .optional()
      .describe('Upstream to forward to; by default the `upstream` of the preset, or the only one there is.'),
    rewrite_prefix: rewrite
      .optional()
      .describe('Another beginning for the path that is forwarded: `{ from: /api, to: / }` strips /api.'),
    websocket: z
      .boolean()
      .optional()
      .meta({ default: false })
      .describe('Whether WebSocket upgrades pass; only to an `http/1.1` upstream.'),
    refuse_with: z
      .enum(['INTERNAL_ROUTE', 'NO_ROUTE'])
      .optional()
      .meta({ default: 'NO_ROUTE' })
      .describe('Error of `action: refuse`, see docs/errors.md.'),
    redirect: z
      .strictObject({
        location: z
          .string()
          .regex(/^(?:https?:\/\/[^/\s]+)?\/(?!\/)[\x21-\x7e]*$/, {
            error: 'expected an absolute path or a http(s) address in ASCII',
          })
          .describe('Where clients are sent: an absolute path or an address.'),
        status: z.literal([301, 302, 303, 307, 308]).default(302).describe('Status of the answer.'),
      })
      .optional()
      .describe('Target of `action: redirect`.'),
    class: name
      .optional()
      .meta({ default: 'api' })
      .describe('Limit class, whose policies apply: one of the preset or of `classes`.'),
    form: z
      .enum(FORMS)
      .optional()
      .meta({ default: 'rest' })
      .describe(
        'How errors are said to plain HTTP: JSON of the REST API, OAuth or SCIM, an HTML page, a line of text.',
      ),
    retry: routeRetry
      .optional()
      .describe('When a request is sent again, over `retry` of the upstream; `false` for never.'),
    policies: policySettings.optional().describe('Policies of this route, over those of its class.'),
  })
  .meta({ id: 'route', title: 'Route' });

/** An own entry of the route table as it is written. */
export type OwnRoute = z.output<typeof route>;

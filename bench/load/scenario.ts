/** A scenario: what is asked, over which connections, and what is right; one small file of YAML each. */

import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

/** The scenarios that come along. */
export const SCENARIOS = join(import.meta.dirname, '..', 'scenarios');

const status = z.int().min(100).max(599);
const value: z.ZodType<unknown> = z.lazy(() =>
  z.union([z.string(), z.number(), z.boolean(), z.record(z.string(), value), z.array(value)]),
);

const request = z.strictObject({
  name: z.string().optional().describe('What results call it; the path if not given.'),
  weight: z.number().positive().default(1).describe('How often it is picked, against the others.'),
  think_ms: z.int().min(0).default(0).describe('What passes after its answer, on average, in closed loop.'),
  method: z.string().default('GET').describe('POST where there is a form, JSON or an RPC.'),
  path: z.string().startsWith('/').describe('`{n}` is a number that no other request has.'),
  headers: z.record(z.string(), z.string()).default({}),
  form: z.record(z.string(), z.string()).optional().describe('A body of application/x-www-form-urlencoded.'),
  json: value.optional().describe('A body of application/json.'),
  rpc: z
    .enum(['grpc', 'grpc-web', 'grpc-web-text', 'connect'])
    .optional()
    .describe('Sends `message` as this protocol does.'),
  message: z
    .record(z.string().regex(/^\d+$/), value)
    .default({})
    .describe('Fields of the protobuf message by their numbers.'),
  expect: z
    .strictObject({
      status: z.union([status.transform((one) => [one]), z.array(status)]).default([200]),
      grpc_status: z.int().min(0).max(16).default(0),
      messages: z.int().min(0).optional().describe('Messages of the answer; one for unary calls if not given.'),
      body: z
        .enum(['same', 'any'])
        .default('same')
        .describe('same: every answer has the body that the first one had; any: bodies differ, or nobody knows.'),
    })
    .prefault({}),
  revalidate: z
    .boolean()
    .default(false)
    .describe('Asks with the validators of a first answer and expects 304 without a body.'),
  links: z.boolean().default(false).describe('Asks for what the page names with src and href, too.'),
});

const scenarioSchema = z.strictObject({
  about: z.string().describe('What it is, in a sentence.'),
  needs: z.enum(['stand-in']).optional().describe('Only where the stand-in is: a real ZITADEL has no such thing.'),
  protocol: z.enum(['h2', 'http/1.1']).default('h2'),
  connections: z.int().min(1).default(8),
  streams: z.int().min(1).default(4).describe('Requests at once on each connection.'),
  requests_per_connection: z
    .union([z.int().min(0), z.literal('all')])
    .default(0)
    .describe('A connection ends after so many; all: after each request of the scenario once; 0: it stays.'),
  resume: z.boolean().default(false).describe('New connections resume the TLS session of the one before.'),
  idle: z.int().min(0).default(0).describe('Connections that are opened, asked once and held.'),
  rate: z
    .number()
    .positive()
    .optional()
    .describe('Requests a second of the open loop, where it is no share of the knee.'),
  requests: z.array(request).min(1),
});

/** A scenario as it was read, with its defaults. */
export type Scenario = z.output<typeof scenarioSchema> & { readonly name: string };
export type ScenarioRequest = Scenario['requests'][number];

/** Reads a file. Throws, with its name, what is wrong in it. */
export function readScenario(file: string): Scenario {
  const parsed = scenarioSchema.safeParse(parse(readFileSync(file, 'utf8')));
  if (!parsed.success) throw new Error(`${file}: ${z.prettifyError(parsed.error)}`);
  return { ...parsed.data, name: basename(file).replace(/\.ya?ml$/, '') };
}

/** Names of the scenarios that come along, in the order of the alphabet. */
export function scenarioNames(): string[] {
  return readdirSync(SCENARIOS)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => basename(file, '.yaml'))
    .sort();
}

/** Reads those that are wanted: names of what comes along, or paths of files. */
export function readScenarios(wanted: readonly string[]): Scenario[] {
  const names = scenarioNames();
  return wanted.map((one) => {
    if (names.includes(one)) return readScenario(join(SCENARIOS, `${one}.yaml`));
    if (/\.ya?ml$/.test(one)) return readScenario(one);
    throw new Error(`no scenario '${one}'; there are ${names.join(', ')}`);
  });
}

/** One request by hand over either protocol, and what became of it. */

import type { Ended, TestGateway } from './gateway.ts';
import { connectRaw } from './h1-raw.ts';
import { connectFrames, Flag } from './h2-frames.ts';

export const PROTOCOLS = ['http/1.1', 'h2'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

export interface Question {
  readonly protocol: Protocol;
  readonly method?: string;
  readonly target?: string;
  readonly authority?: string;
  readonly fields?: readonly (readonly [string, string])[];
  readonly body?: string;
  /** A cleartext listener of the gateway. */
  readonly listener?: string;
}

/** What became of a request: its exchange, or undefined where none was opened. */
export interface Outcome {
  readonly ended: Ended | undefined;
  /** The status that the client saw; over HTTP/2 the one of the record, undefined where the stream was reset. */
  readonly status: number | undefined;
}

/** Sends a request on a connection of its own and waits until it is over. */
export async function ask(gateway: TestGateway, question: Question): Promise<Outcome> {
  const {
    protocol,
    method = 'GET',
    target = '/',
    authority = 'localhost',
    fields = [],
    body,
    listener = 'clear',
  } = question;
  const before = gateway.ended.length;
  const ended = (): Promise<Ended> => gateway.over((one) => gateway.ended.indexOf(one) >= before);
  if (protocol === 'http/1.1') {
    using client = await connectRaw(gateway.port(listener));
    const length = body === undefined ? [] : [`content-length: ${body.length}`];
    const lines = fields.map(([name, value]) => `${name}: ${value}`);
    client.request(`${method} ${target} HTTP/1.1`, `host: ${authority}`, ...lines, ...length);
    if (body !== undefined) client.send(body);
    const answer = await client.answer({ head: method === 'HEAD' });
    // What the parser refuses says `connection: close` and nothing else, and has no exchange.
    const bare = answer === undefined || answer.header('x-request-id') === undefined;
    return { status: answer?.status, ended: bare && gateway.ended.length === before ? undefined : await ended() };
  }
  using client = await connectFrames(gateway.port(listener));
  const pseudo = [
    [':method', method],
    [':scheme', 'http'],
    [':authority', authority],
    [':path', target],
  ] as const;
  client.headers(1, [...pseudo, ...fields], body === undefined ? Flag.END_STREAM : 0);
  if (body !== undefined) client.data(1, body, Flag.END_STREAM);
  const frames = await client.finished(1);
  if (frames.length === 0 || frames.at(-1)!.startsWith('RST_STREAM')) {
    return { status: undefined, ended: gateway.ended[before] };
  }
  const one = await ended();
  return { status: one.record.status, ended: one };
}

/** What a row expects of an answer: small checks, each of which says in words what is wrong. */

import type { Answer, Protocol } from './talker.ts';

/** What the checks of a run may compare with. */
export interface Surroundings {
  readonly protocol: Protocol;
  /** The host that is asked for, port included. */
  readonly host: string;
  /** `https:` or `http:`, as the deployment was asked. */
  readonly scheme: string;
  /** The issuer that discovery names when nobody plays tricks; undefined where there is no such answer. */
  readonly issuer: string | undefined;
}

/** Looks at an answer; returns what is wrong with it. */
export type Check = (answer: Answer, around: Surroundings) => string | undefined;

/** The status is one of these. */
export function status(...expected: readonly number[]): Check {
  return ({ status: got, body }) =>
    expected.includes(got) ? undefined : `status ${got} instead of ${expected.join(' or ')}: ${shown(body)}`;
}

/** The media type of the answer. */
export function type(expected: string): Check {
  return ({ headers }) => {
    const got = headers['content-type'] ?? 'none';
    return got.split(';')[0]!.trim() === expected ? undefined : `content-type ${got} instead of ${expected}`;
  };
}

/** A field of the answer's head is there and, where a value is given, has it. */
export function field(name: string, expected?: string | RegExp): Check {
  return ({ headers }) => wrong(`header ${name}`, headers[name], expected);
}

/** A trailer is there and, where a value is given, has it. Trailers-only answers have it in their head. */
export function trailer(name: string, expected?: string | RegExp): Check {
  return ({ headers, trailers }) => wrong(`trailer ${name}`, trailers[name] ?? headers[name], expected);
}

/** A gRPC-Web body ends with a frame of trailers that holds this. */
export function webTrailer(expected: RegExp): Check {
  return ({ body, headers }) => {
    const bytes = headers['content-type']?.startsWith('application/grpc-web-text') ? fromText(body) : body;
    const trailers = webTrailers(bytes);
    if (trailers === undefined) return `no frame of trailers in the body: ${shown(body)}`;
    return expected.test(trailers) ? undefined : `trailers ${JSON.stringify(trailers)} instead of ${expected}`;
  };
}

/** A member of the JSON body has this value; without a value it is there. */
export function json(name: string, expected?: unknown): Check {
  return ({ body }) => {
    const got = parsed(body)?.[name];
    if (expected === undefined ? got !== undefined : got === expected) return undefined;
    return `${name} is ${JSON.stringify(got)}${expected === undefined ? '' : ` instead of ${JSON.stringify(expected)}`}: ${shown(body)}`;
  };
}

/** The body has this in it. */
export function body(expected: RegExp): Check {
  return (answer) => (expected.test(answer.body.toString()) ? undefined : `no ${expected} in ${shown(answer.body)}`);
}

/** `issuer` of discovery is the public address: host with port, and https where it was asked by https. */
export const issuerIsPublic: Check = ({ body }, { host, scheme }) => {
  const issuer = parsed(body)?.issuer;
  const secure = scheme === 'https:' ? 'https' : 'https?';
  const fits = new RegExp(`^${secure}://${host.replace(/[.[\]]/g, '\\$&')}/?$`, 'i');
  return typeof issuer === 'string' && fits.test(issuer)
    ? undefined
    : `issuer ${JSON.stringify(issuer)} does not name ${scheme}//${host}`;
};

/** `issuer` is what it was without the header in question. */
export const issuerUnmoved: Check = ({ body }, { issuer }) => {
  const got = parsed(body)?.issuer;
  if (issuer === undefined) return 'there was no discovery document to compare with';
  return got === issuer ? undefined : `issuer ${JSON.stringify(got)} instead of ${JSON.stringify(issuer)}`;
};

/** Messages arrived one by one while the request was still open. */
export function turns(atLeast: number): Check {
  return (answer) => (answer.turns >= atLeast ? undefined : `${answer.turns} answers while the stream was open`);
}

/** One gRPC frame. */
export function frame(payload: string | Uint8Array = ''): Buffer {
  const bytes = Buffer.from(payload as string);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

function wrong(what: string, got: string | string[] | undefined, expected: string | RegExp | undefined) {
  if (got === undefined) return `no ${what}`;
  const fits = expected === undefined || (typeof expected === 'string' ? got === expected : expected.test(String(got)));
  return fits ? undefined : `${what} is ${JSON.stringify(got)} instead of ${expected}`;
}

function webTrailers(bytes: Buffer): string | undefined {
  for (let at = 0; at + 5 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at + 1);
    if (bytes[at] === 0x80) return bytes.toString('latin1', at + 5, at + 5 + length);
    at += 5 + length;
  }
  return undefined;
}

/** gRPC-Web text may be padded after every piece. */
function fromText(body: Buffer): Buffer {
  const pieces = body.toString().match(/[^=]+=*/g) ?? [];
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece, 'base64')));
}

function parsed(body: Buffer): Record<string, unknown> | undefined {
  try {
    return JSON.parse(body.toString()) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** A body as a table can show it. */
function shown(body: Buffer): string {
  const text = body.toString('latin1').replace(/[^\x20-\x7e]+/g, '·');
  return text.length > 80 ? `${text.slice(0, 80)}…` : text || '(no body)';
}

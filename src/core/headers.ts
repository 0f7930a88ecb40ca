/** Pure functions on header fields: names, values, what is hop-by-hop, what a client may not say. */

import type { Fields } from './raw.ts';

/** A field name as HTTP/2 wants it: a lower-case token, RFC 9113 section 8.2.1. */
export function fieldName(text: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(text);
}

/** A field value without control characters, RFC 9110 section 5.5. */
export function fieldValue(text: string): boolean {
  return !/[\x00-\x08\x0a-\x1f\x7f]/.test(text) && text.trim() === text;
}

/** The flat list that Node has of HTTP/1.1 fields, in whatever case they came, as Fields. */
export function lowerCaseNames(raw: readonly string[]): Fields {
  const out: Fields = [];
  for (let i = 0; i < raw.length; i += 2) out.push(raw[i]!.toLowerCase(), raw[i + 1]!);
  return out;
}

/** The same fields as pairs, as Node's `addTrailers` takes them. */
export function fieldPairs(fields: Fields): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i < fields.length; i += 2) pairs.push([fields[i]!, fields[i + 1]!]);
  return pairs;
}

/** The first value of a field. */
export function getField(fields: Fields, name: string): string | undefined {
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return fields[i + 1];
  return undefined;
}

/** The lines of a field as one value, RFC 9110 section 5.3; undefined where there is none. */
export function joinedField(fields: Fields, name: string): string | undefined {
  let joined: string | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] === name) joined = joined === undefined ? fields[i + 1]! : `${joined}, ${fields[i + 1]!}`;
  }
  return joined;
}

/** Replaces every occurrence of a field by one value, or removes it where the value is undefined. */
export function setField(fields: Fields, name: string, value: string | undefined): void {
  let kept = 0;
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] === name) continue;
    fields[kept] = fields[i]!;
    fields[kept + 1] = fields[i + 1]!;
    kept += 2;
  }
  fields.length = kept;
  if (value !== undefined) fields.push(name, value);
}

/**
 * Says that an answer depends on a field of the request, once: RFC 9110 section 12.5.5. `name` in lower case. An answer
 * that says so already, or says `*`, stays as it is; several Vary fields become one.
 */
export function addVary(fields: Fields, name: string): void {
  const said = joinedField(fields, 'vary');
  const members = said === undefined ? [] : listMembers(said);
  if (members.some((member) => member === '*' || member.toLowerCase() === name)) return;
  if (said === undefined) fields.push('vary', name);
  else setField(fields, 'vary', [...members, name].join(', '));
}

/** The members of a comma-separated field without quoting, trimmed and without empty ones, RFC 9110 section 5.6.1. */
export function listMembers(value: string): string[] {
  return value
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '');
}

/** Fields of one connection only, RFC 9110 section 7.6.1 and RFC 9113 section 8.2.2. `te` is decided apart. */
const HOP_BY_HOP = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** Fields that decide framing, dialect or authority here: `Connection` cannot take them away after that (RFC 9110 section 7.6.1). */
const NOT_A_CONNECTION_OPTION = new Set(['content-encoding', 'content-length', 'content-type']);

/**
 * Fields by which a client could choose instance, issuer, address, path or method for somebody else. Sources:
 * ZITADEL internal/api/http/middleware/origin_interceptor.go; CVE-2025-67494, CVE-2023-49097, CVE-2025-64101,
 * GHSA-93m4-mfpg-c3xf, GHSA-pfrf-9r5f-73f5; httpoxy (`proxy`); CVE-2025-29927, by which a client of Next.js, and so of
 * Login v2, says that its middleware has run (the others are the headers that Next.js keeps for itself).
 */
const SPOOFABLE = new Set([
  'client-cert',
  'client-cert-chain',
  'forwarded',
  'proxy',
  'true-client-ip',
  'x-client-cert',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-forwarded-client-cert',
  'x-host',
  'x-http-method',
  'x-http-method-override',
  'x-matched-path',
  'x-method-override',
  'x-middleware-next',
  'x-middleware-override-headers',
  'x-middleware-redirect',
  'x-middleware-rewrite',
  'x-middleware-set-cookie',
  'x-middleware-skip',
  'x-middleware-subrequest',
  'x-middleware-subrequest-id',
  'x-now-route-matches',
  'x-original-host',
  'x-original-url',
  'x-real-ip',
  'x-rewrite-url',
]);

/** What the way to the upstream needs to know of an exchange. */
export interface RequestFieldsInput {
  /** The client's fields, without pseudo-headers and Host. */
  readonly fields: Fields;
  readonly clientAddress: string;
  readonly scheme: 'http' | 'https';
  readonly requestId: string;
  /** Native gRPC: the only case in which TE goes on (zitadel/zitadel#8341: REST errors hang with it). */
  readonly grpc: boolean;
  /** The listener trusts its peers with `x-zitadel-*` and forwarding fields. */
  readonly internal: boolean;
  /** Whether `traceparent`, `tracestate` and `baggage` go on. */
  readonly traceContext: boolean;
}

/** What decides about a field beside its name. */
export interface HygieneInput {
  readonly internal: boolean;
  readonly traceContext: boolean;
}

/** Why a field of a request does not go on; undefined where it does. For the gateway and for `explain`. */
export function droppedBecause(name: string, input: HygieneInput): string | undefined {
  if (HOP_BY_HOP.has(name)) return 'hop by hop';
  switch (name) {
    case 'host':
      return 'the authority is sent once';
    case 'expect':
      return 'answered by the gateway';
    case 'x-request-id':
      return 'made anew, or taken from a trusted proxy';
    case 'traceparent':
    case 'tracestate':
    case 'baggage':
      return input.traceContext ? undefined : 'trace_context is drop';
  }
  // Some servers read `X_Forwarded_Host` as `X-Forwarded-Host`; nothing that ZITADEL reads has an underscore.
  return spoofable(name.includes('_') ? name.replaceAll('_', '-') : name, input.internal);
}

function spoofable(name: string, internal: boolean): string | undefined {
  // The REST layer of ZITADEL strips the prefix and sends the rest as metadata to itself: any field could be smuggled.
  if (name.startsWith('grpc-metadata-')) return 'becomes any field in the REST layer of ZITADEL';
  if (SPOOFABLE.has(name) || name.startsWith('proxy-')) return 'a client may not say it';
  if (name.startsWith('x-client-cert-')) return 'said by the gateway alone, of a certificate that it has verified';
  if (internal) return undefined;
  if (name.startsWith('x-zitadel-'))
    return name === 'x-zitadel-orgid' ? undefined : 'only from a listener with trust: internal';
  return name.startsWith('x-forwarded-') ? 'only from a listener with trust: internal' : undefined;
}

/** How many names each memory of verdicts holds: far more than clients send, too few to be worth filling. */
const REMEMBERED = 1024;

/** Verdicts by name, for each combination of HygieneInput: names repeat from request to request. */
const verdicts = [0, 1, 2, 3].map(() => new Map<string, boolean>());

function goesOn(name: string, memory: Map<string, boolean>, input: HygieneInput): boolean {
  const known = memory.get(name);
  if (known !== undefined) return known;
  const verdict = droppedBecause(name, input) === undefined;
  if (memory.size < REMEMBERED) memory.set(name, verdict);
  return verdict;
}

/** The names that `Connection` makes hop-by-hop, or undefined where it names none. */
function connectionOptions(fields: Fields): Set<string> | undefined {
  let names: Set<string> | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] !== 'connection') continue;
    for (const member of listMembers(fields[i + 1]!)) {
      names ??= new Set();
      const option = member.toLowerCase();
      if (!NOT_A_CONNECTION_OPTION.has(option)) names.add(option);
    }
  }
  return names;
}

/** The fields of a request as the upstream gets them: hygiene done, forwarding fields set, no pseudo-headers. */
export function requestFields(input: RequestFieldsInput): Fields {
  const { fields } = input;
  const named = connectionOptions(fields);
  const memory = verdicts[(input.internal ? 2 : 0) + (input.traceContext ? 1 : 0)]!;
  const out: Fields = [];
  let forwardedFor = false;
  let forwardedProto = false;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (!goesOn(name, memory, input) || named?.has(name)) continue;
    if (name === 'x-forwarded-for') forwardedFor = true;
    else if (name === 'x-forwarded-proto') forwardedProto = true;
    out.push(name, fields[i + 1]!);
  }
  if (input.grpc) out.push('te', 'trailers');
  if (!forwardedFor) out.push('x-forwarded-for', input.clientAddress);
  if (!forwardedProto) out.push('x-forwarded-proto', input.scheme);
  out.push('x-request-id', input.requestId);
  return out;
}

/** Fields that say who a client is by its certificate, however they are written. */
const OF_A_CERTIFICATE = /^(?:x[-_])?client[-_]cert(?:[-_]|$)/;

/** The fields of an answer as the client gets them; pseudo-headers and hop-by-hop fields are left behind. */
export function answerFields(fields: Fields): Fields {
  const named = connectionOptions(fields);
  const out: Fields = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (name.charCodeAt(0) === 0x3a || HOP_BY_HOP.has(name) || named?.has(name)) continue;
    out.push(name, fields[i + 1]!);
  }
  return out;
}

/**
 * Trailers as they go on; framing, routing and pseudo fields have no place there, RFC 9110 section 6.5.1, nor has what is
 * said of a client's certificate, RFC 9440 section 2.
 */
export function trailerFields(fields: Fields | undefined): Fields | undefined {
  if (fields === undefined || fields.length === 0) return undefined;
  const out: Fields = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (name.charCodeAt(0) === 0x3a || HOP_BY_HOP.has(name) || name === 'content-length' || name === 'host') continue;
    if (OF_A_CERTIFICATE.test(name)) continue;
    out.push(name, fields[i + 1]!);
  }
  return out.length > 0 ? out : undefined;
}

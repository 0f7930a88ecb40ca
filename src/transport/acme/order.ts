/** One order of a certificate, from the names to the chain: RFC 8555 section 7.4. */

import { X509Certificate } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import type { Account, Answered, Directory } from './directory.ts';
import { problemOf } from './problem.ts';
import { type KeyKind, signingRequest } from './signing-request.ts';

/** What is ordered, and of whom. */
export interface OrderOptions {
  readonly directory: Directory;
  readonly account: Account;
  /** DNS names, lower-case. */
  readonly names: readonly string[];
  readonly keyKind: KeyKind;
  /** The name of what issued the topmost certificate of a chain: of several chains that one is taken. */
  readonly preferredIssuer: string | undefined;
  /** What the directory calls a kind of certificate; its default where it is not given. */
  readonly profile: string | undefined;
  /** The one that this replaces, as RFC 9773 names it. */
  readonly replaces: string | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Answers challenges from now on: by token the key authorization. Resolves when every listener does. */
  publish(answers: ReadonlyMap<string, string>): Promise<void>;
  /** These need no answer any more. */
  retract(tokens: Iterable<string>): void;
}

/** A certificate that was issued, with its key. */
export interface Issued {
  /** PEM, leaf first. */
  readonly certificate: string;
  /** PKCS#8 in PEM form: a secret. */
  readonly key: string;
}

/** How long to wait before the state of something is asked for again, in milliseconds, where the directory does not say. */
const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 10_000;
/** A wait that the directory asks for within an order is no longer than this. */
const MAX_ASKED_WAIT_MS = 60_000;
/** How long one step may take, in milliseconds. */
const STEP_MS = 300_000;
/** As RFC 8555 has it: base64url. Nothing else may stand in a path. */
const TOKEN = /^[\w-]{16,512}$/;
/** Chains that are looked at for the preferred issuer. */
const MAX_ALTERNATES = 5;

/** Orders a certificate; rejects with what the directory or we do not like. */
export async function order(options: OrderOptions): Promise<Issued> {
  const { directory, account, names, keyKind, profile, replaces } = options;
  const wanted = { identifiers: names.map((value) => ({ type: 'dns', value })), ...(profile && { profile }) };
  let made: Answered & { url: string };
  try {
    made = await directory.newOrder(account, { ...wanted, ...(replaces !== undefined && { replaces }) });
  } catch (error) {
    // Some directories say conflict where the one before was replaced already; then it replaces none.
    if (replaces === undefined || !/alreadyReplaced|malformed/.test((error as { kind?: string }).kind ?? ''))
      throw error;
    made = await directory.newOrder(account, wanted);
  }
  const published = new Set<string>();
  try {
    await authorize(options, stringsOf(made.json.authorizations), published);
  } finally {
    options.retract(published);
  }
  const ready = await settled(options, made.url, undefined, ['ready', 'valid']);
  const { key, csr } = await signingRequest(names, keyKind);
  const finalize = stringsOf([ready.json.finalize])[0];
  if (finalize === undefined) throw new Error(`${made.url}: an order has no finalize`);
  const finalized = await directory.post(account, finalize, { csr });
  const valid = await settled(options, made.url, finalized, ['valid']);
  const url = stringsOf([valid.json.certificate])[0];
  if (url === undefined) throw new Error(`${made.url}: a valid order has no certificate`);
  return { key, certificate: await chain(options, url) };
}

/** Shows that the names are ours: all challenges at once. */
async function authorize(options: OrderOptions, urls: readonly string[], published: Set<string>): Promise<void> {
  const { directory, account } = options;
  const open: { readonly url: string; readonly challenge: string }[] = [];
  const answers = new Map<string, string>();
  for (const url of urls) {
    const { json } = await directory.post(account, url);
    if (json.status === 'valid') continue;
    if (json.status !== 'pending') throw authorizationProblem(json, url);
    const offered = (Array.isArray(json.challenges) ? json.challenges : []) as Record<string, unknown>[];
    const http = offered.find((one) => one?.type === 'http-01');
    if (typeof http?.url !== 'string' || typeof http.token !== 'string' || !TOKEN.test(http.token)) {
      throw new Error(`${nameOf(json)}: the directory offers no challenge by HTTP-01`);
    }
    answers.set(http.token, `${http.token}.${account.key.thumbprint}`);
    open.push({ url, challenge: http.url });
  }
  if (open.length === 0) return;
  for (const token of answers.keys()) published.add(token);
  await options.publish(answers);
  for (const { challenge } of open) await directory.post(account, challenge, {});
  for (const { url } of open) await settled(options, url, undefined, ['valid']);
}

/** Asks until something is in one of these states; rejects where it is in one that it never leaves. */
async function settled(
  options: OrderOptions,
  url: string,
  known: Answered | undefined,
  states: readonly string[],
): Promise<Answered> {
  const { directory, account, clock } = options;
  const until = clock.now() + STEP_MS;
  let wait = FIRST_WAIT_MS;
  for (let answer = known ?? (await directory.post(account, url)); ; answer = await directory.post(account, url)) {
    const { json } = answer;
    const status = String(json.status);
    if (states.includes(status)) return answer;
    if (!['pending', 'ready', 'processing'].includes(status)) throw authorizationProblem(json, url);
    if (clock.now() >= until) throw new Error(`${url}: still ${status} after ${STEP_MS / 60_000} minutes`);
    await pause(clock, Math.max(wait, Math.min(answer.retryAfterMs ?? 0, MAX_ASKED_WAIT_MS)), options.signal);
    wait = Math.min(MAX_WAIT_MS, wait * 2);
  }
}

/** Resolves after so many milliseconds; rejects when the signal ends it. */
function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = (): void => {
    cancel();
    reject(signal.reason);
  };
  const cancel = clock.after(ms, () => {
    signal.removeEventListener('abort', abort);
    resolve();
  });
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  return promise;
}

/** The chain, or another that the preferred issuer ends. */
async function chain({ directory, account, preferredIssuer }: OrderOptions, url: string): Promise<string> {
  const first = await directory.post(account, url);
  if (preferredIssuer === undefined || endsWith(first.body, preferredIssuer)) return first.body;
  for (const alternate of first.links('alternate').slice(0, MAX_ALTERNATES)) {
    const { body } = await directory.post(account, alternate);
    if (endsWith(body, preferredIssuer)) return body;
  }
  return first.body;
}

/** Whether the topmost certificate of a chain was issued by this common name. */
function endsWith(pem: string, issuer: string): boolean {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const topmost = blocks.at(-1);
  return topmost !== undefined && new X509Certificate(topmost).issuer?.split('\n').includes(`CN=${issuer}`);
}

function authorizationProblem(json: Readonly<Record<string, unknown>>, url: string): Error {
  const challenges = (Array.isArray(json.challenges) ? json.challenges : []) as Record<string, unknown>[];
  const error = json.error ?? challenges.find((one) => Object(one).error !== undefined)?.error;
  return problemOf(error ?? { type: String(json.status), detail: `it is ${json.status}` }, nameOf(json) || url, 200);
}

function nameOf(json: Readonly<Record<string, unknown>>): string {
  return stringsOf([(Object(json.identifier) as Record<string, unknown>).value])[0] ?? '';
}

function stringsOf(values: unknown): string[] {
  return (Array.isArray(values) ? values : []).filter((value): value is string => typeof value === 'string');
}

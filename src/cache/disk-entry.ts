/** The head of a stored answer as a file of the disk tier holds it, and the names of such files. */

import { hash } from 'node:crypto';
import { DiskFileError } from './disk-file.ts';
import { type CacheKey, keyText, type StoredAnswer } from './stored.ts';

/** An answer without its body, which is in a file of its own: several answers may share it. */
export type DiskEntry = Omit<StoredAnswer, 'body' | 'codings'>;

const DIGEST = /^[A-Za-z0-9_-]{43}$/;
const CODING = /^[a-z]{1,16}$/;

/** The names of all files: a letter and 64 hexadecimal digits, for codings with their name. */
export const FILE_NAME = /^(?:([eb])-[0-9a-f]{64}|c-[0-9a-f]{64}-[a-z]{1,16})$/;

/** Whether the tier can name its files by this digest, and by the names of these codings. */
export function nameable({ digest }: Pick<StoredAnswer, 'digest'>): boolean {
  return DIGEST.test(digest);
}

/** Codings whose files can be named. */
export function nameableCoding(coding: string): boolean {
  return CODING.test(coding);
}

/** The file of an answer's head: one for each key and each set of values of Vary. */
export function entryName(key: CacheKey, { vary }: Pick<StoredAnswer, 'vary'>): string {
  return `e-${hash('sha256', `${keyText(key)}\n${JSON.stringify(vary)}`, 'hex')}`;
}

/** The file of a body. Hexadecimal, since some file systems do not tell `a` from `A`. */
export function bodyName(digest: string): string {
  return `b-${Buffer.from(digest, 'base64url').toString('hex')}`;
}

/** The file name of a coding of a body, by the digest of the uncoded body in base64url. */
export function codingName(digest: string, coding: string): string {
  return `c-${Buffer.from(digest, 'base64url').toString('hex')}-${coding}`;
}

/** The name of the coding, where the file is one of this body. */
export function codingOf(name: string, digest: string): string | undefined {
  const beginning = codingName(digest, '');
  return name.startsWith(beginning) ? name.slice(beginning.length) : undefined;
}

/** What is written into the head of the file. */
export function entryHead(key: CacheKey, answer: StoredAnswer): unknown {
  const { scheme, host, target, route } = key;
  const { body: _body, codings: _codings, ...entry } = answer;
  return { key: { scheme, host, target, route }, entry };
}

/** Reads what `entryHead` wrote; throws a DiskFileError for anything else. */
export function readEntry(head: unknown): { key: CacheKey; entry: DiskEntry } {
  const { key, entry } = record(head, 'head');
  const k = record(key, 'key');
  const e = record(entry, 'entry');
  return {
    key: {
      scheme: oneOf(k.scheme, ['http', 'https'] as const, 'scheme'),
      host: text(k.host, 'host'),
      target: text(k.target, 'target'),
      route: text(k.route, 'route'),
    },
    entry: {
      status: between(e.status, 200, 599, 'status'),
      fields: fieldsOf(e.fields),
      digest: DIGEST.test(String(e.digest)) ? String(e.digest) : wrong('digest'),
      vary: list(e.vary, 'vary').map((pair) => {
        const [name, value, ...more] = list(pair, 'vary');
        return more.length > 0 ? wrong('vary') : ([text(name, 'vary'), text(value, 'vary')] as const);
      }),
      requestedAt: number(e.requestedAt, 'requestedAt'),
      receivedAt: number(e.receivedAt, 'receivedAt'),
      freshForS: number(e.freshForS, 'freshForS'),
      initialAgeS: number(e.initialAgeS, 'initialAgeS'),
      staleWhileRevalidateS: number(e.staleWhileRevalidateS, 'staleWhileRevalidateS'),
      staleIfErrorS: number(e.staleIfErrorS, 'staleIfErrorS'),
      revalidate: oneOf(e.revalidate, ['always', 'when_stale', 'may_be_stale'] as const, 'revalidate'),
      release: text(e.release, 'release'),
    },
  };
}

function fieldsOf(value: unknown): string[] {
  const fields = list(value, 'fields').map((part) => text(part, 'fields'));
  return fields.length % 2 === 0 ? fields : wrong('fields');
}

function wrong(what: string): never {
  throw new DiskFileError(`${what}: not as it is written`);
}

function record(value: unknown, what: string): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : wrong(what);
}

function list(value: unknown, what: string): unknown[] {
  return Array.isArray(value) ? value : wrong(what);
}

/** A line break in a field would be another field for whoever reads HTTP/1.1. */
function text(value: unknown, what: string): string {
  return typeof value === 'string' && !/[\r\n\0]/.test(value) ? value : wrong(what);
}

function number(value: unknown, what: string): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : wrong(what);
}

function between(value: unknown, from: number, to: number, what: string): number {
  const n = number(value, what);
  return Number.isInteger(n) && n >= from && n <= to ? n : wrong(what);
}

function oneOf<T extends string>(value: unknown, all: readonly T[], what: string): T {
  return all.find((one) => one === value) ?? wrong(what);
}

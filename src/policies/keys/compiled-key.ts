/** A key as the config writes it, compiled: a list of parts that together tell callers apart. */

import type { Exchange, PeekedBody } from '../../core/exchange.ts';
import type { PolicyServices } from '../../core/policy.ts';
import { KEY_PARTS } from './index.ts';
import { type KeyPart, type KeyReader, UNREADABLE } from './key-part.ts';

/** What stands in a key for a part that cannot be read: all such requests count together. */
const UNREADABLE_TEXT = '(unreadable)';
/** What stands in a key for a part that is missing, where the limit counts such requests together. */
const MISSING_TEXT = '(none)';
/** Parts that do not tell two callers of one address apart. */
const NOT_THE_CALLER: ReadonlySet<string> = new Set(['host', 'route', 'rpc']);

/** What a limit does with a request that lacks a part of its key. */
export const MISSING = ['skip', 'shared', 'refuse'] as const;

/** A key of a limit. */
export interface CompiledKey {
  readonly parts: readonly string[];
  /** Where all of it is found. */
  readonly phase: 'head' | 'body';
  /** Nothing but the address tells callers apart. */
  readonly addressOnly: boolean;
  /** The parts, separated by NUL; undefined where one is missing. */
  read(exchange: Exchange, body: PeekedBody | undefined): string | undefined;
  /** One key for each of the parts that a request has several of; mostly one. */
  readAll(exchange: Exchange, body: PeekedBody | undefined): readonly string[] | undefined;
  /** As `read`, with something in the place of parts that are missing. */
  readShared(exchange: Exchange, body: PeekedBody | undefined): string;
}

/** A part as it is written: its kind and its argument. Throws an Error that says what is wrong. */
export function parsePart(text: string): { readonly part: KeyPart; readonly argument: string } {
  const colon = text.indexOf(':');
  const name = colon === -1 ? text : text.slice(0, colon);
  const argument = colon === -1 ? '' : text.slice(colon + 1);
  const part = KEY_PARTS.find((one) => one.name === name);
  if (part === undefined) {
    const names = KEY_PARTS.map((one) => (one.argument === undefined ? one.name : `${one.name}:…`)).join(', ');
    throw new Error(`no key part '${name}': expected ${names}`);
  }
  if (part.argument === undefined && colon !== -1) throw new Error(`'${name}' takes nothing after a colon`);
  if (part.argument !== undefined && argument === '') throw new Error(`'${name}' needs ${part.argument}: ${name}:…`);
  return { part, argument };
}

/** Compiles a key; throws an Error that names the part and says what was expected. */
export function compileKey(parts: readonly string[], services: PolicyServices): CompiledKey {
  const parsed = parts.map(parsePart);
  const readers: readonly KeyReader[] = parsed.map(({ part, argument }) => part.compile(argument, services));
  const names = parsed.map(({ part }) => part.name);
  const [only] = readers;
  const several = parsed.some(({ part }) => part.several === true);
  const read: CompiledKey['read'] = (exchange, body) => {
    if (readers.length === 1) return shown(only!(exchange, body));
    let key = '';
    for (const reader of readers) {
      const text = shown(reader(exchange, body));
      if (text === undefined) return undefined;
      key = key === '' ? text : `${key}\0${text}`;
    }
    return key;
  };
  return {
    parts,
    phase: parsed.some(({ part }) => part.phase === 'body') ? 'body' : 'head',
    addressOnly: names.includes('address') && names.every((name) => name === 'address' || NOT_THE_CALLER.has(name)),
    read,
    readAll(exchange, body) {
      if (!several) {
        const key = read(exchange, body);
        return key === undefined ? undefined : [key];
      }
      let keys: readonly string[] = [''];
      for (const [index, reader] of readers.entries()) {
        const found = reader(exchange, body);
        if (found === undefined) return undefined;
        const texts = typeof found === 'object' ? found : [shown(found)!];
        keys = keys.flatMap((key) => texts.map((text) => (index === 0 ? text : `${key}\0${text}`)));
      }
      return keys;
    },
    readShared: (exchange, body) => readers.map((reader) => shown(reader(exchange, body)) ?? MISSING_TEXT).join('\0'),
  };
}

function shown(read: ReturnType<KeyReader>): string | undefined {
  if (read === UNREADABLE) return UNREADABLE_TEXT;
  return typeof read === 'object' ? read.join(',') : read;
}

import { fieldName } from '../../core/headers.ts';
import type { KeyPart } from './key-part.ts';
import { hashed } from './short.ts';

/** The first cookie of a name in Cookie fields, RFC 6265 section 5.4; servers read the first one too. */
function cookieOf(fields: readonly string[], name: string): string | undefined {
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] !== 'cookie') continue;
    for (const pair of fields[i + 1]!.split(';')) {
      const equals = pair.indexOf('=');
      if (equals !== -1 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
    }
  }
  return undefined;
}

/** A cookie of the request. Cookies are secrets: only a hash is kept. */
export const cookie: KeyPart = {
  name: 'cookie',
  summary: 'A cookie, hashed: `cookie:__Host-zitadel.useragent`. Several names with `|` are alternatives.',
  argument: 'a cookie name',
  phase: 'head',
  chosenByClient: true,
  secret: true,
  compile(argument) {
    const names = argument.split('|');
    for (const name of names)
      if (!fieldName(name.toLowerCase())) throw new Error(`expected the name of a cookie, not '${name}'`);
    return ({ raw }) => {
      for (const name of names) {
        const value = cookieOf(raw.fields, name);
        if (value !== undefined && value !== '') return hashed(value);
      }
      return undefined;
    };
  },
};

import { cookiesNamed } from '../../core/cookies.ts';
import { fieldName } from '../../core/headers.ts';
import type { KeyPart } from './key-part.ts';
import { hashed } from './short.ts';

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
        // Servers read the first one, too.
        const [value] = cookiesNamed(raw.fields, name);
        if (value !== undefined && value !== '') return hashed(value);
      }
      return undefined;
    };
  },
};

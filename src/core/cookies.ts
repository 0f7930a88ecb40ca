import type { Fields } from './raw.ts';

/** The values of the cookies of one name, in their order, without those of other names: RFC 6265 section 5.4. */
export function cookiesNamed(fields: Fields, name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    // HTTP/2 may split the field, RFC 9113 section 8.2.3.
    if (fields[i] !== 'cookie') continue;
    for (const pair of fields[i + 1]!.split(';')) {
      const mark = pair.indexOf('=');
      if (mark !== -1 && pair.slice(0, mark).trim() === name) values.push(pair.slice(mark + 1).trim());
    }
  }
  return values;
}

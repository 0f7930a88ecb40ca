/**
 * Surrogate-Control and Surrogate-Capability, of the Edge Architecture Specification (W3C note of 4 August 2001): what an
 * origin tells the surrogates before it, and nobody behind them. Not a standard; RFC 9213 is.
 */

import type { Fields } from '../core/raw.ts';
import { deltaSeconds } from './delta-seconds.ts';

/** The name of the field of the answer. */
export const SURROGATE_CONTROL = 'surrogate-control';

/** What directives are targeted with that are for this gateway. */
const DEVICE = 'gatehouse';

/** The field of the request that says who asks and what it can do: cache, and no ESI. */
export const SURROGATE_CAPABILITY: Fields = ['surrogate-capability', `${DEVICE}="Surrogate/1.0"`];

/** What a Surrogate-Control says of storing. */
export interface SurrogateDirectives {
  readonly noStore: boolean;
  /** Seconds of freshness; undefined where there is no max-age. */
  readonly maxAge: number | undefined;
  /** The freshness extension: the seconds after those in which a stale answer may still be served. */
  readonly extension: number | undefined;
}

// A quote that nothing closes is a character like others, lest it hide the directives after it.
const DIRECTIVES = /(?:[^",]|"[^"]*"|")+/g;
const PARTS = /(?:[^";]|"[^"]*"|")+/g;
const MAX_AGE = /^=([0-9]+)(?:\+([0-9]+))?$/;

/** One directive; undefined where it says nothing of storing here. A max-age that is no number makes stale. */
function directive(text: string): SurrogateDirectives | undefined {
  const name = /^[\w-]*/.exec(text)![0];
  switch (name.toLowerCase()) {
    case 'no-store':
      return { noStore: true, maxAge: undefined, extension: undefined };
    case 'max-age': {
      const [, seconds, extension] = MAX_AGE.exec(text.slice(name.length)) ?? [];
      return { noStore: false, maxAge: deltaSeconds(seconds ?? '') ?? 0, extension: deltaSeconds(extension ?? '') };
    }
    default:
      // no-store-remote is for surrogates far from the origin, and content for those that process bodies.
      return undefined;
  }
}

/**
 * What the lines of the field say to this gateway, or undefined where that is nothing. Directives that are targeted at it
 * go before those for all (section 2.3), what is targeted at others is not heard. Of several the most careful counts.
 */
export function surrogateControl(lines: readonly string[]): SurrogateDirectives | undefined {
  const forAll: SurrogateDirectives[] = [];
  const forThis: SurrogateDirectives[] = [];
  for (const text of lines.flatMap((line) => line.match(DIRECTIVES) ?? [])) {
    const [what = '', ...targets] = (text.match(PARTS) ?? []).map((part) => part.trim());
    const said = directive(what);
    if (said === undefined) continue;
    if (targets.length === 0) forAll.push(said);
    else if (targets.includes(DEVICE)) forThis.push(said);
  }
  const heard = forThis.length > 0 ? forThis : forAll;
  const shortest = heard
    .filter(({ maxAge }) => maxAge !== undefined)
    .reduce<SurrogateDirectives | undefined>((a, b) => (a === undefined || b.maxAge! < a.maxAge! ? b : a), undefined);
  if (heard.length === 0) return undefined;
  return {
    noStore: heard.some(({ noStore }) => noStore),
    maxAge: shortest?.maxAge,
    extension: shortest?.extension,
  };
}

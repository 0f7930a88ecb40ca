/** Text of a client as part of a key: as it is while it is short, else its hash, so that keys are bounded. */

import { hash } from 'node:crypto';

/** What people may still read in a list of keys. */
const MOST_CHARACTERS = 128;

/** A hash that tells texts apart and says nothing of them. */
export function hashed(text: string): string {
  return `#${hash('sha256', text, 'base64url').slice(0, 22)}`;
}

/** The text itself, or the hash of one that is long or has control characters; NUL separates the parts of a key. */
export function short(text: string): string {
  return text.length > MOST_CHARACTERS || /[\x00-\x1f\x7f]/.test(text) ? hashed(text) : text;
}

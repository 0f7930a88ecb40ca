import { hash } from 'node:crypto';

/**
 * The name under which a count is kept outside: 96 bits of SHA-256 of the key, so that neither addresses nor names nor
 * what secrets hash to leave the process. It is the id under which bans are listed, too.
 */
export function keyName(key: string): string {
  return hash('sha256', key, 'base64url').slice(0, 16);
}

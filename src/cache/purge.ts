/** What is to be thrown away, as an operator says it. */

import { decodePath, hostOf } from '../core/path.ts';
import type { CacheKey, StoredAnswer } from './stored.ts';

/** An order to throw away: everything, one URL, or what begins with a prefix of the path at a host, or all of the host. */
export type PurgeOrder =
  | { readonly all: true }
  | { readonly url: string }
  | { readonly host: string; readonly prefix?: string };

/** Whether an order reaches a stored answer. */
export type Reach = (key: CacheKey, answer: Pick<StoredAnswer, 'release'>) => boolean;

const URL_FORM = /^(https?):\/\/([^\s/?#\\@]+)([^\s#]*)$/i;
const HOST_FORM = /^(?:\[[0-9a-f:.]+\]|[^\s/?#\\@:[\]]+)(?::\d{1,5})?$/i;

/**
 * What an order reaches. Hosts are compared without regard to case, and a host without a port stands for all of its
 * ports; a prefix is one of text, so `/assets` reaches `/assets-old` too. Other spellings of a path (`/%61ssets`) are
 * reached as well. Throws a RangeError that says what was expected.
 */
export function reachOf(order: PurgeOrder): Reach {
  if ('all' in order) return () => true;
  if ('url' in order) return urlReach(order.url);
  const { host, prefix } = order;
  if (!HOST_FORM.test(host)) throw new RangeError('host: expected a host like id.example.com, with a port or without');
  const anyPort = !/:\d+$/.test(host);
  const asked = plainHost(host);
  const sameHost = (key: CacheKey): boolean =>
    anyPort ? hostOf(key.host) === asked : plainHost(key.host, key.scheme) === asked;
  if (prefix === undefined) return sameHost;
  if (!prefix.startsWith('/')) throw new RangeError('prefix: expected the beginning of a path, like /ui/console/');
  return (key) => sameHost(key) && spellings(key.target).some((target) => target.startsWith(prefix));
}

function urlReach(url: string): Reach {
  const parts = URL_FORM.exec(url);
  if (parts === null || !HOST_FORM.test(parts[2]!) || (parts[3] !== '' && !/^[/?]/.test(parts[3]!))) {
    throw new RangeError(
      'url: expected a whole URL like https://id.example.com/ui/console/index.html, without a fragment',
    );
  }
  const scheme = parts[1]!.toLowerCase() as 'http' | 'https';
  const host = plainHost(parts[2]!, scheme);
  const target = parts[3]!.startsWith('/') ? parts[3]! : `/${parts[3]}`;
  const asked = spellings(target);
  return (key) =>
    key.scheme === scheme &&
    plainHost(key.host, key.scheme) === host &&
    spellings(key.target).some((spelling) => asked.includes(spelling));
}

/** Lower-case, without the dot of a full name, and without the port that the scheme has by itself. */
function plainHost(authority: string, scheme?: 'http' | 'https'): string {
  const port = /:(\d+)$/.exec(authority)?.[1];
  const own = scheme === 'https' ? '443' : scheme === 'http' ? '80' : undefined;
  return port === undefined || port === own ? hostOf(authority) : `${hostOf(authority)}:${port}`;
}

/** A raw target as it is, and with its path decoded where it is spelt otherwise. */
function spellings(target: string): string[] {
  if (!target.includes('%')) return [target];
  const end = target.indexOf('?');
  const path = decodePath(target)?.path;
  return path === undefined ? [target] : [target, end === -1 ? path : path + target.slice(end)];
}

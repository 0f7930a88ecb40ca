/** `gatehouse cache`: what the running gateway has stored, and how it is thrown away. */

import type { CachePurge } from '../admin/entry.ts';
import type { Listing } from '../cache/listing.ts';
import { askAdmin } from './admin-client.ts';

/** What `gatehouse cache` is called with. */
export interface CacheCall {
  readonly host?: string | undefined;
  readonly prefix?: string | undefined;
  readonly url?: string | undefined;
  readonly all: boolean;
  readonly limit?: string | undefined;
  readonly after?: string | undefined;
}

/** Runs `cache status`, `list` or `purge`; rejects with what is wrong with the call or with the gateway's refusal. */
export async function cacheCommand(action: string, file: string, call: CacheCall): Promise<number> {
  switch (action) {
    case 'status':
      refuse(call, ['host', 'prefix', 'url', 'all', 'limit', 'after'], action);
      process.stdout.write(await askAdmin(file, { method: 'GET', path: '/cache' }));
      return 0;
    case 'list':
      refuse(call, ['url', 'all'], action);
      process.stdout.write(await list(file, call));
      return 0;
    case 'purge': {
      refuse(call, ['limit', 'after'], action);
      const answer = await askAdmin(file, { method: 'POST', path: '/cache/purge', body: orderOf(call) });
      const { purged, problem } = JSON.parse(answer) as { purged: number; problem?: string };
      process.stdout.write(`${purged} ${purged === 1 ? 'answer' : 'answers'} purged\n`);
      if (problem === undefined) return 0;
      process.stderr.write(`${problem}\n`);
      return 1;
    }
  }
  throw new Error(`expected status, list or purge, not '${action}'`);
}

function refuse(call: CacheCall, names: readonly (keyof CacheCall)[], action: string): void {
  for (const name of names) {
    if (call[name] !== undefined && call[name] !== false) throw new Error(`cache ${action} takes no --${name}`);
  }
}

function orderOf({ all, url, host, prefix }: CacheCall): CachePurge {
  const given = [all, url !== undefined, host !== undefined].filter(Boolean).length;
  if (given !== 1 || (prefix !== undefined && host === undefined)) {
    throw new Error('cache purge: expected --url URL, --host HOST, --host HOST --prefix PATH, or --all');
  }
  if (url !== undefined) return { url };
  if (host !== undefined) return prefix === undefined ? { host } : { host, prefix };
  return { all: true };
}

async function list(file: string, { host, prefix, limit, after }: CacheCall): Promise<string> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ host, prefix, limit, after })) {
    if (value !== undefined) query.set(name, value);
  }
  const { entries, next } = JSON.parse(
    await askAdmin(file, { method: 'GET', path: `/cache/entries?${query}` }),
  ) as Listing;
  const rows = [['STATUS', 'BYTES', 'CODINGS', 'AGE', 'FRESH', 'HITS', 'ROUTE', 'URL']];
  for (const { status, bytes, codings, age_s, fresh_for_s, hits, route, url, vary } of entries) {
    const coded = Object.entries(codings).map(([name, size]) => `${name} ${size}`);
    const varied = Object.entries(vary).map(([name, value]) => ` (${name}: ${value})`);
    rows.push([
      String(status),
      String(bytes),
      coded.join(', ') || '-',
      `${age_s} s`,
      fresh_for_s < 0 ? 'stale' : `${fresh_for_s} s`,
      String(hits),
      route,
      printable(url + varied.join('')),
    ]);
  }
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  if (next !== undefined) lines.push('', `more: --after '${printable(next).replaceAll("'", "'\\''")}'`);
  return `${lines.join('\n')}\n`;
}

/** Clients chose these texts: nothing in them may move the cursor of a terminal. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

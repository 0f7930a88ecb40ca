/** The micro-benchmarks there are: files of cases, and scripts that measure something else than one function. */

import type { Case } from './case.ts';

/** A file of cases. */
export interface CaseFile {
  readonly about: string;
  readonly load: () => Promise<{ readonly cases: readonly Case[] }>;
}

/** Files of cases by name. */
export const CASE_FILES: Readonly<Record<string, CaseFile>> = {
  routes: { about: 'find the route of a request', load: () => import('./routes.ts') },
  hygiene: { about: 'the fields of requests and answers that go on', load: () => import('./hygiene.ts') },
  'client-addresses': { about: 'who the client is', load: () => import('./client-addresses.ts') },
  networks: { about: 'rules by address', load: () => import('./networks.ts') },
  budgets: { about: 'budgets of connections', load: () => import('./budgets.ts') },
  admission: {
    about: 'the policies that let a request in, and the keys of limits',
    load: () => import('./admission.ts'),
  },
  limits: { about: 'counting, without policies', load: () => import('./limits.ts') },
  'rpc-table': { about: 'the RPC of a request, a field of its message', load: () => import('./rpc-table.ts') },
  'cache-hits': { about: 'answers from the cache', load: () => import('./cache-hits.ts') },
  negotiation: { about: 'the coding of an answer', load: () => import('./negotiation.ts') },
  refusals: { about: 'errors in each dialect', load: () => import('./refusals.ts') },
  hpack: { about: 'header blocks of the own HTTP/2 engine', load: () => import('./hpack.ts') },
  'log-lines': { about: 'lines of the access log', load: () => import('./log-lines.ts') },
  'exchange-metrics': { about: 'metrics at the end of a request', load: () => import('./exchange-metrics.ts') },
};

/** A script that runs by itself and prints what it found. */
export interface Script {
  readonly about: string;
  /** What it is called with. */
  readonly args?: string;
}

/** Scripts by name: what has threads, sockets, a server or a model is not for a loop around one function. */
export const SCRIPTS: Readonly<Record<string, Script>> = {
  'cache-store': { about: 'memory of stored answers, and a purge over all' },
  'hand-over': { about: 'connections handed to workers' },
  'hpack-bytes': { about: 'length of header blocks' },
  'large-answers': { about: 'ways for a large body through node:http2; needs h2load', args: '[SECONDS]' },
  overload: { about: 'the adaptive limit: its cost, and a model of what it does' },
  'shared-tier': { about: 'limits on Redis, which must run', args: 'redis://127.0.0.1:6379/0' },
  variants: { about: 'delay of the event loop while codings are made' },
};

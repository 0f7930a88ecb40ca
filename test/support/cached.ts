/** A gateway with a cache in front of an origin by hand, and clients of either protocol that ask it. */

import http from 'node:http';
import http2 from 'node:http2';
import type { z } from 'zod';
import type { configSchema } from '../../src/config/schema.ts';
import type { Clock } from '../../src/core/clock.ts';
import { startGateway, type TestGateway } from './gateway.ts';
import { type Origin, type OriginProtocol, startOrigin } from './origin.ts';

type GivenConfig = z.input<typeof configSchema>;
type GivenPolicies = NonNullable<NonNullable<GivenConfig['routes']>[number]['policies']>;

export const CLIENT_PROTOCOLS = ['http/1.1', 'h2'] as const;
export type ClientProtocol = (typeof CLIENT_PROTOCOLS)[number];

export interface CachedOptions {
  /** h2c if not given. */
  readonly protocol?: OriginProtocol;
  /** Options of the policy on `/c/*`. */
  readonly cache?: GivenPolicies['cache'];
  readonly policies?: GivenPolicies;
  readonly config?: Partial<GivenConfig>;
  readonly clock?: Clock;
  /** More origins than the one: endpoints of the same upstream. */
  readonly others?: readonly Origin[];
  /** Instead of a new one; it is not closed with the rest. */
  readonly origin?: Origin;
  readonly upstream?: Partial<GivenConfig['upstreams'][string]>;
}

/** What a client got. */
export interface Got {
  /** 0 where no head came. */
  readonly status: number;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  /** The answer did not come to its end. */
  readonly cut: boolean;
  /** The value of a field; several lines joined by `, `. */
  of(name: string): string | undefined;
  /** The member of Cache-Status. */
  readonly cache: string | undefined;
  readonly text: string;
}

export interface Wish {
  readonly protocol?: ClientProtocol;
  readonly method?: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The head is here. */
  readonly onHead?: () => void;
  /** Where the client gives up. */
  readonly signal?: AbortSignal;
  /** `host`, where it is not that of the listener. */
  readonly authority?: string;
}

export interface Cached extends AsyncDisposable {
  readonly origin: Origin;
  readonly gateway: TestGateway;
  /** Asks on a connection of its own; never rejects. */
  get(target: string, wish?: Wish): Promise<Got>;
}

/** All that these clients need; a certificate would not be valid by a clock that stands at another time. */
export const CLEAR = { name: 'clear', address: '127.0.0.1:0', external_scheme: 'https' } as const;

/** Routes on `/NAME/*`, each with its options of the cache and nothing else. */
export function cachedRoutes(
  rules: Readonly<Record<string, CachedOptions['cache']>>,
): NonNullable<GivenConfig['routes']> {
  return Object.entries(rules).map(([name, cache]) => ({ name, paths: [`/${name}/*`], policies: { cache } }));
}

/** Starts both. */
export async function startCached(options: CachedOptions = {}): Promise<Cached> {
  const { protocol = 'h2c', cache = {}, policies, config, clock, others = [], upstream } = options;
  const origin = options.origin ?? (await startOrigin(protocol));
  const gateway = await startGateway({
    ...(clock !== undefined && { clock }),
    zitadel: {
      protocol: origin.protocol,
      endpoints: [origin.address, ...others.map(({ address }) => address)],
      ...upstream,
    },
    config: {
      hints: false,
      listeners: [CLEAR],
      routes: [
        {
          name: 'cached',
          paths: ['/c/*'],
          // A clock that is moved by hand stands still: a wait before a retry would never end.
          retry: false,
          policies: { rate_limit: false, concurrency_limit: false, cache, ...policies },
        },
      ],
      ...config,
    },
  });
  return {
    origin,
    gateway,
    get: (target, wish) => get(gateway, target, wish),
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      if (options.origin === undefined) await origin[Symbol.asyncDispose]();
    },
  };
}

function got(status: number, fields: Got['fields'], parts: readonly Buffer[], cut: boolean): Got {
  const of = (name: string): string | undefined => {
    const values = fields.filter(([one]) => one === name).map(([, value]) => value);
    return values.length === 0 ? undefined : values.join(', ');
  };
  const body = Buffer.concat(parts);
  return { status, fields, body, cut, of, cache: of('cache-status'), text: body.toString() };
}

/** Asks a gateway's listener `clear`. */
export function get(gateway: TestGateway, target: string, wish: Wish = {}): Promise<Got> {
  return (wish.protocol ?? 'h2') === 'h2' ? getH2(gateway, target, wish) : getH1(gateway, target, wish);
}

function getH1(gateway: TestGateway, path: string, { method = 'GET', fields, body, signal, authority, onHead }: Wish) {
  const { promise, resolve } = Promise.withResolvers<Got>();
  const headers = { ...fields, ...(authority !== undefined && { host: authority }) };
  const port = gateway.port('clear');
  const request = http.request({
    host: '127.0.0.1',
    port,
    path,
    method,
    headers,
    agent: false,
    ...(signal && { signal }),
  });
  request.on('error', () => resolve(got(0, [], [], true)));
  request.on('response', (response) => {
    onHead?.();
    const parts: Buffer[] = [];
    const list: [string, string][] = [];
    for (let i = 0; i < response.rawHeaders.length; i += 2) {
      list.push([response.rawHeaders[i]!.toLowerCase(), response.rawHeaders[i + 1]!]);
    }
    response.on('error', () => {});
    response.on('data', (chunk: Buffer) => parts.push(chunk));
    response.on('close', () => resolve(got(response.statusCode!, list, parts, !response.complete)));
  });
  request.end(body);
  return promise;
}

function getH2(gateway: TestGateway, path: string, { method = 'GET', fields, body, signal, authority, onHead }: Wish) {
  const { promise, resolve } = Promise.withResolvers<Got>();
  const session = http2.connect(gateway.clearUrl);
  const parts: Buffer[] = [];
  const list: [string, string][] = [];
  let status = 0;
  session.on('error', () => {});
  const pseudo = { ':method': method, ':path': path, ...(authority !== undefined && { ':authority': authority }) };
  const stream = session.request(
    { ...pseudo, ...fields },
    { endStream: body === undefined, ...(signal && { signal }) },
  );
  let ended = false;
  stream.on('response', (head, _flags, raw: string[]) => {
    onHead?.();
    status = Number(head[':status']);
    for (let i = 0; i < raw.length; i += 2) if (!raw[i]!.startsWith(':')) list.push([raw[i]!, raw[i + 1]!]);
  });
  stream.on('data', (chunk: Buffer) => parts.push(chunk));
  stream.on('end', () => {
    ended = true;
  });
  stream.on('error', () => {});
  stream.on('close', () => {
    session.destroy();
    const whole = ended && stream.rstCode === 0 && status !== 0;
    resolve(got(status, list, parts, !whole));
  });
  if (body !== undefined) stream.end(body);
  return promise;
}

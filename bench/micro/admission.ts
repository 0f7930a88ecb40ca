/**
 * What admission costs a request: `node bench/micro/admission.ts`. Fastify's `inject` would hide it, so the hooks are
 * called as the pipeline calls them. Rounds with the chain on and off are interleaved; medians are printed.
 */

import rateLimitPlugin from '@fastify/rate-limit';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { systemClock } from '../../src/core/clock.ts';
import { Events } from '../../src/core/events.ts';
import type { InwardHook, PolicyContext, PolicyServices } from '../../src/core/policy.ts';
import type { RawRequest } from '../../src/core/raw.ts';
import { OpenExchange } from '../../src/gateway/exchange.ts';
import { chain } from '../../src/gateway/routes.ts';
import { LocalTier } from '../../src/limits/local-tier.ts';
import { sharedMarks } from '../../src/limits/marks.ts';
import { SharedPlaces } from '../../src/limits/places.ts';
import { SharedTable } from '../../src/limits/shared-table.ts';
import { ConfiguredNetworks } from '../../src/networks/named-networks.ts';
import { concurrencyLimit } from '../../src/policies/concurrency-limit.ts';
import { ipRules } from '../../src/policies/ip-rules.ts';
import { pluginOptions } from '../../src/policies/rate-limit/store.ts';
import { rateLimit } from '../../src/policies/rate-limit.ts';
import { shield } from '../../src/policies/shield.ts';
import { ZITADEL_RPCS } from '../../src/rpc/rpc-table.ts';

const REQUESTS = 100_000;
const ROUNDS = 7;

const words = (into: Uint32Array<ArrayBuffer>): void => void crypto.getRandomValues(into);
const table = (): SharedTable => new SharedTable(SharedTable.allocate(262_144, words), 1);
const tier = new LocalTier(table(), systemClock);
const services: Omit<PolicyServices, 'cache'> = {
  tier,
  places: new SharedPlaces(SharedPlaces.allocate(16_384, 1, words), 1),
  marks: sharedMarks(table()),
  networks: new ConfiguredNetworks({}, systemClock, { onReloaded() {}, onFailed() {} }),
  rpcs: ZITADEL_RPCS,
  ipv6PrefixLength: 64,
  untrustedPrivatePeers: 'shadow',
};
const app: FastifyInstance = Fastify();
await app.register(rateLimitPlugin, pluginOptions(tier) as never);
await app.ready();
const route = { name: 'bench', upstream: 'zitadel', form: 'rest', class: 'api' } as const;
const context: PolicyContext = {
  route,
  clock: systemClock,
  events: new Events(),
  app,
  services: services as PolicyServices,
  fetch: () => {
    throw new Error('no upstream');
  },
  kept: (make) => make(),
};
const wide = { requests: 1_000_000, period_s: 1, burst: 1_000_000 };
const limits = { a: { key: ['address'], ...wide }, b: { key: ['bearer'], ...wide } };
const hooks: InwardHook[] = [
  ipRules.hooks(ipRules.options.parse({ allow: ['10.0.0.0/8', '203.0.113.0/24'] }), context).onRequest!,
  shield.hooks(shield.options.parse({ rpcs: { system: { match: ['zitadel.system.*'], deny: true } } }), context)
    .onRequest!,
  rateLimit.hooks(rateLimit.options.parse({ limits }), context).onRequest!,
  concurrencyLimit.hooks(
    concurrencyLimit.options.parse({ limits: { c: { key: ['address'], max_in_flight: 1000 } } }),
    context,
  ).onRequest!,
];
const on = chain(hooks);
const off: InwardHook = (_request, _reply, done) => done();

const headers = {
  'content-type': 'application/grpc',
  authorization: 'Bearer a-token-of-usual-length-0123456789abcdef0123456789abcdef',
};
const connection = {
  id: 1,
  peerAddress: '203.0.113.7',
  listener: 'public',
  tlsVersion: undefined,
  serverName: undefined,
};
const raw = {
  requestedMethod: 'POST',
  path: '/zitadel.user.v2.UserService/ListUsers',
  target: '/zitadel.user.v2.UserService/ListUsers',
  authority: 'id.example.com',
  headers,
  fields: Object.entries(headers).flat(),
  httpVersionMajor: 2,
  connection,
  stream: { ended: false },
} as unknown as RawRequest;
const client = {
  address: '203.0.113.7',
  trustedPeer: false,
  mayBeProxy: false,
  internal: false,
  scheme: 'https',
} as const;

/** Nanoseconds a request, making and closing the exchange included. */
async function round(hook: InwardHook): Promise<number> {
  const started = process.hrtime.bigint();
  for (let i = 0; i < REQUESTS; i += 1) {
    const exchange = new OpenExchange(raw, client, route, systemClock);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    hook({ exchange } as unknown as FastifyRequest, {} as FastifyReply, (error) => (error ? reject(error) : resolve()));
    await promise;
    exchange.close();
  }
  return Number(process.hrtime.bigint() - started) / REQUESTS;
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!;
const [withChain, without]: [number[], number[]] = [[], []];
await round(on);
await round(off);
for (let i = 0; i < ROUNDS; i += 1) {
  withChain.push(await round(on));
  without.push(await round(off));
}
const cost = median(withChain) - median(without);
console.log(`allow list + shield + two limits + concurrency limit: ${(cost / 1000).toFixed(2)} µs a request`);
await app.close();

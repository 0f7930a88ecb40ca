/**
 * What admission costs a request: the policies' hooks, called as the pipeline calls them. `inject` of Fastify would hide
 * it. Making and closing the exchange is included; the first case is that alone.
 */

import assert from 'node:assert/strict';
import { create, toBinary } from '@bufbuild/protobuf';
import rateLimitPlugin from '@fastify/rate-limit';
import { CreateSessionRequestSchema } from '@zitadel/proto/zitadel/session/v2/session_service_pb.js';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { systemClock } from '../../src/core/clock.ts';
import type { GatewayError } from '../../src/core/errors.ts';
import { Events } from '../../src/core/events.ts';
import type { PeekedBody } from '../../src/core/exchange.ts';
import type { InwardHook, PolicyContext, PolicyServices } from '../../src/core/policy.ts';
import { OpenExchange } from '../../src/gateway/exchange.ts';
import { chain } from '../../src/gateway/routes.ts';
import { LocalTier } from '../../src/limits/local-tier.ts';
import { sharedMarks } from '../../src/limits/marks.ts';
import { SharedPlaces } from '../../src/limits/places.ts';
import { SharedTable } from '../../src/limits/shared-table.ts';
import { ConfiguredNetworks } from '../../src/networks/named-networks.ts';
import { concurrencyLimit } from '../../src/policies/concurrency-limit.ts';
import { ipRules } from '../../src/policies/ip-rules.ts';
import { CompiledLimit } from '../../src/policies/rate-limit/compiled-limit.ts';
import { options as rateLimitOptions } from '../../src/policies/rate-limit/options.ts';
import { pluginOptions } from '../../src/policies/rate-limit/store.ts';
import { rateLimit } from '../../src/policies/rate-limit.ts';
import { shield } from '../../src/policies/shield.ts';
import { ZITADEL_RPCS } from '../../src/rpc/rpc-table.ts';
import { type Case, measured } from './case.ts';
import { exchangeOf, ROUTE } from './exchanges.ts';
import { BROWSER_FIELDS, GRPC_FIELDS, requestOf } from './requests.ts';

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
const context: PolicyContext = {
  route: ROUTE,
  clock: systemClock,
  events: new Events(),
  app,
  services: services as PolicyServices,
  fetch: () => {
    throw new Error('no upstream');
  },
  kept: (make) => make(),
};

const WIDE = { requests: 1_000_000, period_s: 1, burst: 1_000_000 };
const NARROW = { requests: 1, period_s: 86_400, burst: 1 };
const rateLimited = (limits: Record<string, object>): InwardHook =>
  rateLimit.hooks(rateLimit.options.parse({ limits }), context).onRequest!;
const allow = ipRules.hooks(ipRules.options.parse({ allow: ['10.0.0.0/8', '203.0.113.0/24'] }), context).onRequest!;
const shielded = shield.hooks(
  shield.options.parse({ rpcs: { system: { match: ['zitadel.system.*'], deny: true } } }),
  context,
).onRequest!;
const twoLimits = rateLimited({ a: { key: ['address'], ...WIDE }, b: { key: ['bearer'], ...WIDE } });
const places = concurrencyLimit.hooks(
  concurrencyLimit.options.parse({ limits: { c: { key: ['address'], max_in_flight: 1000 } } }),
  context,
).onRequest!;
const narrow = rateLimited({ d: { key: ['address'], ...NARROW } });
const all = chain([allow, shielded, twoLimits, places]);

const raw = requestOf({ method: 'POST', target: '/zitadel.user.v2.UserService/ListUsers', fields: GRPC_FIELDS });
const client = {
  address: '203.0.113.7',
  trustedPeer: false,
  mayBeProxy: false,
  internal: false,
  scheme: 'https',
} as const;

/** Opens an exchange, runs the hook to its end and closes; gives what it was refused with. */
function through(hook: InwardHook): Promise<Error | undefined> {
  const exchange = new OpenExchange(raw, client, ROUTE, systemClock);
  const { promise, resolve } = Promise.withResolvers<Error | undefined>();
  hook({ exchange } as unknown as FastifyRequest, {} as FastifyReply, (error) => {
    exchange.close();
    resolve(error);
  });
  return promise;
}
await through(narrow);

const passes = (refusal: Error | undefined): void => assert.equal(refusal, undefined);

const form = new URLSearchParams({ authRequestID: '312345678901234567', loginName: 'someone@example.com' });
const formBody: PeekedBody = { bytes: Buffer.from(`${form}&password=a+password`), complete: true };
const message = toBinary(
  CreateSessionRequestSchema,
  create(CreateSessionRequestSchema, {
    checks: { user: { search: { case: 'loginName', value: 'someone@example.com' } } },
  }),
);
const grpcBody: PeekedBody = {
  bytes: Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]),
  complete: true,
};
const FORM_FIELDS = [...BROWSER_FIELDS, 'content-type', 'application/x-www-form-urlencoded'];

/** A limit with this key, charged and taken for a request. */
function keyed(name: string, part: string, fields: readonly string[], target: string, body?: PeekedBody): Case {
  const { limits } = rateLimitOptions.parse({ limits: { keyed: { key: [part], ...WIDE } } });
  const limit = new CompiledLimit('keyed', limits.keyed as never, services as PolicyServices);
  const exchange = exchangeOf({ method: 'POST', target, fields });
  return measured(
    name,
    () => {
      const charges = limit.charge(exchange, body, 0);
      return charges === 'refuse' ? undefined : { charges, outcome: tier.takeNow(charges) };
    },
    (taken) => {
      assert.equal(taken?.charges.length, 1);
      assert.equal(taken.outcome.refused, undefined);
      const who = part === 'address' ? '203.0.113.7' : part === 'bearer' ? '' : 'someone@example.com';
      assert.ok(taken.charges[0]!.key.includes(who), taken.charges[0]!.key);
    },
  );
}

export const cases: readonly Case[] = [
  measured('an exchange, opened and closed', () => through((_request, _reply, done) => done()), passes),
  measured('with an allow list', () => through(allow), passes),
  measured('with the shield', () => through(shielded), passes),
  measured('with two limits', () => through(twoLimits), passes),
  measured('with a limit of what is in flight', () => through(places), passes),
  measured('with all of these', () => through(all), passes),
  measured(
    'with a limit that refuses',
    () => through(narrow),
    (refusal) => assert.equal((refusal as GatewayError).code, 'TOO_MANY_REQUESTS'),
  ),
  keyed('a limit by address, charged and taken', 'address', GRPC_FIELDS, raw.target),
  keyed('a limit by bearer', 'bearer', GRPC_FIELDS, raw.target),
  keyed('a limit by a field of a form', 'form:loginName', FORM_FIELDS, '/ui/login/loginname', formBody),
  keyed(
    'a limit by a field of a gRPC message',
    'message:checks.user.login_name',
    GRPC_FIELDS,
    '/zitadel.session.v2.SessionService/CreateSession',
    grpcBody,
  ),
];

/** What it costs to find the route of a request in the table of `preset: zitadel`. */

import assert from 'node:assert/strict';
import FindMyWay, { type HTTPMethod } from 'find-my-way';
import { expandRoutes } from '../../src/config/routes.ts';
import { configSchema } from '../../src/config/schema.ts';
import { ROUTE_CONSTRAINTS } from '../../src/gateway/constraints.ts';
import { RouteTable, routerEntries } from '../../src/gateway/route-table.ts';
import { type Case, inTurn, measured } from './case.ts';
import { type Asked, BROWSER_FIELDS, GRPC_FIELDS, requestOf } from './requests.ts';

const entries = routerEntries(
  expandRoutes(
    configSchema.parse({
      preset: { name: 'zitadel' },
      listeners: [{ name: 'public', address: '127.0.0.1:0', tls: { development: true } }],
      upstreams: { zitadel: { endpoints: ['127.0.0.1:1'] } },
    }),
  ),
);
const table = new RouteTable(entries);

/** As Fastify asks it: the router derives the constraints from the request and calls the route's handler. */
let found: string | undefined;
const router = FindMyWay({
  maxParamLength: 1_048_576,
  constraints: ROUTE_CONSTRAINTS as never,
  defaultRoute: () => {
    found = undefined;
  },
});
for (const { route, url, methods, constraints } of entries) {
  router.on(methods as HTTPMethod[], url, { constraints } as never, () => {
    found = route.config.name;
  });
}

const ASKED: Record<string, Asked> = {
  'gRPC call': { method: 'POST', target: '/zitadel.user.v2.UserService/ListUsers', fields: GRPC_FIELDS },
  'REST call': { method: 'POST', target: '/v2/users/312345678901234567/passkeys', fields: BROWSER_FIELDS },
  'Console file': { method: 'GET', target: '/ui/console/chunk-4UBZJX7R.js', fields: BROWSER_FIELDS },
  token: { method: 'POST', target: '/oauth/v2/token', fields: BROWSER_FIELDS },
  discovery: { method: 'GET', target: '/.well-known/openid-configuration', fields: BROWSER_FIELDS },
};
const all = Object.values(ASKED).map(requestOf);
const next = inTurn(all);
const nowhere = requestOf({ method: 'GET', target: '/wp-login.php', fields: BROWSER_FIELDS });

function routed(raw: (typeof all)[number]): string | undefined {
  router.lookup(raw as never, undefined as never);
  return found;
}

export const cases: readonly Case[] = [
  ...Object.entries(ASKED).map(([name, asked]) => {
    const raw = requestOf(asked);
    const expected = table.match(raw)?.config.name;
    return measured(
      name,
      () => routed(raw),
      (route) => {
        assert.ok(route !== undefined && route !== 'refused');
        assert.equal(route, expected);
      },
    );
  }),
  measured(
    'all of these in turn',
    () => routed(next()),
    (route) => assert.ok(route !== undefined),
  ),
  measured(
    'a path that no route has',
    () => routed(nowhere),
    (route) => assert.equal(route, table.match(nowhere)?.config.name),
  ),
  measured(
    'explain: the table by itself',
    () => table.match(all[0]!),
    (route) => assert.equal(route?.config.name, routed(all[0]!)),
  ),
];

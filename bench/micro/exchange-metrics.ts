/** What metrics cost at the end of a request, and what it costs to be asked for them. */

import assert from 'node:assert/strict';
import { Registry } from 'prom-client';
import { GatewayError } from '../../src/core/errors.ts';
import { Events } from '../../src/core/events.ts';
import type { OpenExchange } from '../../src/gateway/exchange.ts';
import { exchangeMetrics } from '../../src/telemetry/exchange-metrics.ts';
import { type Case, inTurn, measured } from './case.ts';
import { endedExchange } from './exchanges.ts';
import { BROWSER_FIELDS, GRPC_FIELDS } from './requests.ts';

/** As many as the preset has, about. */
const ROUTES = 40;

const registry = new Registry();
const events = new Events();
exchangeMetrics(registry, events);

const grpc = endedExchange({ method: 'POST', target: '/zitadel.user.v2.UserService/ListUsers', fields: GRPC_FIELDS });
grpc.record.grpcStatus = '0';
const refused = endedExchange({ method: 'GET', target: '/v2/users', fields: BROWSER_FIELDS });
refused.record.error = new GatewayError('TOO_MANY_REQUESTS', { rule: 'api-address' });
const many = Array.from({ length: ROUTES }, (_, i) => {
  const exchange = endedExchange({ method: 'GET', target: '/v2/users', fields: BROWSER_FIELDS });
  exchange.route = { ...exchange.route, name: `route-${i}` };
  return { exchange, record: exchange.record };
});
const next = inTurn(many);

const ended = (exchange: OpenExchange) => ({ exchange, record: exchange.record });

/** What the registry says of all requests. */
async function total(): Promise<number> {
  const { values } = await registry.getSingleMetric('gatehouse_requests_total')!.get();
  return values.reduce((sum, { value }) => sum + value, 0);
}

let counted = 0;
function counting(name: string, emit: () => void): Case {
  return measured(
    name,
    () => {
      counted += 1;
      emit();
      return counted;
    },
    async (before) => assert.equal(await total(), before),
  );
}

const [one, no] = [ended(grpc), ended(refused)];

export const cases: readonly Case[] = [
  counting('a gRPC call', () => events.emit('exchange', one)),
  counting(`one of ${ROUTES} routes`, () => events.emit('exchange', next())),
  counting('a refusal', () => events.emit('exchange', no)),
  measured(
    `the text of ${ROUTES} routes`,
    () => registry.metrics(),
    (text) => assert.match(text, /^gatehouse_requests_total\{.*grpc_status="0"\} \d+$/m),
  ),
];
for (const each of many) {
  counted += 1;
  events.emit('exchange', each);
}

/** Exchanges of requests as cases are fed with them. */

import { type Clock, systemClock } from '../../src/core/clock.ts';
import type { RouteInfo } from '../../src/core/exchange.ts';
import { type ExchangeSettings, OpenExchange } from '../../src/gateway/exchange.ts';
import { type Asked, requestOf } from './requests.ts';

export const ROUTE: RouteInfo = { name: 'bench', upstream: 'zitadel', form: 'rest', class: 'api' };

/** The exchange of a request from one address by https. */
export function exchangeOf(
  asked: Asked,
  {
    address = '203.0.113.7',
    clock = systemClock,
    ...settings
  }: { address?: string; clock?: Clock } & ExchangeSettings = {},
): OpenExchange {
  const client = { address, trustedPeer: false, mayBeProxy: false, internal: false, scheme: 'https' } as const;
  return new OpenExchange(requestOf(asked), client, ROUTE, clock, settings);
}

/** An exchange that has ended: 200 from an upstream after a few milliseconds. */
export function endedExchange(asked: Asked, settings: { address?: string } = {}): OpenExchange {
  const exchange = exchangeOf(asked, settings);
  const { record } = exchange;
  const { started } = record;
  return Object.assign(exchange, {
    record: Object.assign(record, {
      ...{
        firstByte: started + 3.2,
        upstreamStarted: started + 0.4,
        upstreamEnded: started + 3.9,
        closed: started + 4.1,
      },
      ...{ status: 200, bytesIn: 120, bytesOut: 2048, endpoint: '10.0.0.7:8080', attempts: 1 },
      ...{ upstreamRequestId: '0192d1c7e5f07c53', answeredBy: 'upstream' },
    }),
  });
}

/** Requests as the shield sees them, and what it says to them. */

import type { GatewayError } from '../../src/core/errors.ts';
import type { Exchange } from '../../src/core/exchange.ts';
import type { PolicyContext } from '../../src/core/policy.ts';
import type { RawRequest } from '../../src/core/raw.ts';
import { OpenExchange } from '../../src/gateway/exchange.ts';
import { ConfiguredNetworks } from '../../src/networks/named-networks.ts';
import { options } from '../../src/policies/shield/options.ts';
import { shield } from '../../src/policies/shield.ts';
import { ZITADEL_RPCS } from '../../src/rpc/rpc-table.ts';
import { HandClock } from '../support/hand-clock.ts';
import { contextOf, enter, ROUTE } from './asked.ts';

const clock = new HandClock();

export interface Asked {
  readonly method?: string;
  readonly type?: string;
  readonly headers?: Record<string, string>;
  readonly address?: string;
  readonly noBody?: boolean;
}

/** An exchange of a request; `path` is decoded. */
export function asking(path: string, { method = 'POST', type, headers, address, noBody }: Asked = {}): OpenExchange {
  const raw = {
    requestedMethod: method,
    path,
    headers: { ...(type !== undefined && { 'content-type': type }), ...headers },
    httpVersionMajor: 2,
    fields: [],
    connection: { id: 1, peerAddress: '203.0.113.7', listener: 'public' },
    stream: { ended: noBody === true },
  } as unknown as RawRequest;
  const client = { address: address ?? '203.0.113.7', trustedPeer: false, mayBeProxy: false, internal: false };
  return new OpenExchange(raw, { ...client, scheme: 'https' }, ROUTE, clock);
}

export interface TestShield {
  /** The code and the rule of the refusal, or undefined. */
  ask(path: string, asked?: Asked): string | undefined;
  /** Lets an exchange pass and gives the error. */
  enter(exchange: OpenExchange): GatewayError | undefined;
  readonly refused: { rule: string; enforced: boolean }[];
  readonly unknown: string[];
}

/** The policy with these options, on the table of ZITADEL. */
export function shieldOf(given: object, rewrite?: { from: string; to: string }): TestShield {
  const networks = new ConfiguredNetworks({ office: { addresses: ['203.0.113.0/24', '2001:db8:1::/48'] } }, clock, {
    onReloaded() {},
    onFailed() {},
  });
  const base = contextOf(clock, { networks, rpcs: ZITADEL_RPCS });
  const context: PolicyContext = { ...base, route: { ...ROUTE, ...(rewrite !== undefined && { rewrite }) } };
  const refused: TestShield['refused'] = [];
  const unknown: string[] = [];
  context.events.on('refused', ({ rule, enforced }) => refused.push({ rule, enforced }));
  context.events.on('unknown_rpc', ({ name }) => unknown.push(name));
  const hooks = shield.hooks(options.parse(given), context);
  return {
    refused,
    unknown,
    enter: (exchange) => enter(hooks, exchange) as GatewayError | undefined,
    ask(path, asked) {
      const error = enter(hooks, asking(path, asked)) as GatewayError | undefined;
      return error && `${error.code} ${error.rule}`;
    },
  };
}

/** Lets a body pass in these pieces, as the upload does; gives how many passed before it was given up. */
export function pass(exchange: Exchange, pieces: readonly Uint8Array[]): number {
  let passed = 0;
  for (const piece of pieces) {
    exchange.inspectBody?.(piece, false);
    if (exchange.aborted !== undefined) return passed;
    passed += 1;
  }
  exchange.inspectBody?.(new Uint8Array(0), true);
  return passed;
}

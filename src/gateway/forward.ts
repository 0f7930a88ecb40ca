/** The handler of every proxied route: have it answered by an endpoint or the next, then relay both ways. */

import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Answer, Exchange } from '../core/exchange.ts';
import { answerFields, getField } from '../core/headers.ts';
import type { AnswerHook } from '../core/policy.ts';
import type { OpenRequest } from '../upstream/pool.ts';
import type { AnswerHead } from './attempt.ts';
import { Attempts, type AttemptsOptions, type EndpointWish } from './attempts.ts';
import { mayBeQuiet } from './pace.ts';
import { Relay, type RelayLimits } from './relay.ts';
import { type UpstreamFieldsOptions, upstreamFields } from './upstream-fields.ts';
import type { UpstreamGate } from './upstream-gate.ts';

/** What a route forwards with. */
export interface ForwardOptions extends UpstreamFieldsOptions, AttemptsOptions {
  /** Segments at the beginning of the target that give way to others, as `/api` does to nothing. */
  readonly rewritePrefix: { readonly from: string; readonly to: string } | undefined;
  /** The route's hooks on the way out, innermost first. */
  readonly onAnswer: readonly AnswerHook[];
  readonly limits: RelayLimits;
  /** Where each needs a place while the upstream is slow. */
  readonly gate: UpstreamGate | undefined;
}

/** Sends an exchange on to an upstream. Resolves when the answer's head was sent; rejects where there is none to send. */
export type Forward = (exchange: Exchange, wish?: EndpointWish) => Promise<void>;

/** Makes the handler of a route. */
export function forwardHandler(forward: Forward): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  return async function forwarded(request, reply) {
    await forward(request.exchange);
    reply.hijack();
  };
}

/** What a route does with an exchange that goes upstream. */
export function forwarder(options: ForwardOptions): Forward {
  const { upstream, clock } = options;
  // An RPC stream may be quiet for hours; only a body that is one message must make progress.
  const streamLimits = { ...options.limits, bodyIdleMs: 0, bodyPace: undefined, writePace: undefined };

  return async function forward(exchange, wish) {
    const { record } = exchange;
    const place = options.gate?.enter(exchange);
    const relay = new Relay(exchange, clock, mayBeQuiet(exchange) ? streamLimits : options.limits);
    let head: AnswerHead;
    try {
      // Nobody is told that there is no endpoint while the first ones are looked for.
      if (upstream.awaited !== undefined) await upstream.awaited;
      head = await new Attempts(options, relay, exchange, wish).answer(openRequest(exchange));
    } catch (thrown) {
      // Whatever was thrown: the place is given back, and nothing of the relay goes on.
      relay.abandon();
      place?.failed(thrown);
      throw thrown;
    }
    place?.answered(head);
    record.firstByte = clock.now();
    const answer: Answer = {
      status: head.status,
      fields: answerFields(head.fields),
      ended: head.ended,
      source: 'upstream',
      sink: undefined,
    };
    record.status = head.status;
    record.grpcStatus = exchange.dialect.outcome(answer.fields, undefined);
    record.upstreamRequestId = getField(answer.fields, 'x-request-id');
    if (record.upstreamRequestId === undefined) answer.fields.push('x-request-id', exchange.id);
    try {
      for (const hook of options.onAnswer) hook(exchange, answer);
      relay.deliver(answer);
    } catch (thrown) {
      relay.abandon();
      throw thrown;
    }
    record.status = answer.status;
    record.answeredBy = 'upstream';
  };

  function openRequest(exchange: Exchange): Omit<OpenRequest, 'receiver' | 'wanted'> {
    const { raw } = exchange;
    return {
      method: raw.requestedMethod,
      path: rewritten(raw.target),
      authority: raw.authority,
      scheme: upstream.scheme,
      fields: upstreamFields(exchange, options),
      ended: raw.stream.ended,
    };
  }

  /** The target with another beginning: counted in segments, because the raw target may spell them with escapes. */
  function rewritten(target: string): string {
    if (options.rewritePrefix === undefined) return target;
    const { from, to } = options.rewritePrefix;
    const mark = target.indexOf('?');
    const end = mark === -1 ? target.length : mark;
    let at = 0;
    for (let left = from.split('/').length - 1; left > 0; left -= 1) {
      const next = target.indexOf('/', at + 1);
      at = next === -1 || next > end ? end : next;
    }
    const rest = (to === '/' ? '' : to) + target.slice(at);
    return rest.startsWith('/') ? rest : `/${rest}`;
  }
}

/** The handler of every proxied route: pick an endpoint, open a stream, perhaps once more, then relay both ways. */

import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../core/clock.ts';
import type { Events } from '../core/events.ts';
import type { Answer, Exchange } from '../core/exchange.ts';
import { answerFields, getField } from '../core/headers.ts';
import type { AnswerHook } from '../core/policy.ts';
import type { Endpoint } from '../upstream/endpoint.ts';
import type { OpenRequest } from '../upstream/pool.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { mayBeQuiet } from './pace.ts';
import { type AnswerHead, Relay, type RelayLimits, type Replay } from './relay.ts';
import { type UpstreamFieldsOptions, upstreamFields } from './upstream-fields.ts';

/** One more than the first: what was certainly not processed is sent once more. */
const MAX_ATTEMPTS = 2;

export interface ForwardOptions extends UpstreamFieldsOptions {
  readonly upstream: Upstream;
  /** Segments at the beginning of the target that give way to others, as `/api` does to nothing. */
  readonly rewritePrefix: { readonly from: string; readonly to: string } | undefined;
  /** The route's hooks on the way out, innermost first. */
  readonly onAnswer: readonly AnswerHook[];
  readonly limits: RelayLimits;
  readonly clock: Clock;
  readonly events: Events;
}

/** Makes the handler of a route. */
export function forward(options: ForwardOptions): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  const { upstream, clock } = options;
  // An RPC stream may be quiet for hours; only a body that is one message must make progress.
  const streamLimits = { ...options.limits, bodyIdleMs: 0, bodyPace: undefined, writePace: undefined };

  return async function forward(request, reply) {
    const { exchange } = request;
    const { record } = exchange;
    const relay = new Relay(exchange, clock, mayBeQuiet(exchange) ? streamLimits : options.limits);
    const head = await ask(relay, exchange);
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
    reply.hijack();
  };

  /** Tries until there is an answer's head; throws the last failure. */
  async function ask(relay: Relay, exchange: Exchange): Promise<AnswerHead> {
    const { record } = exchange;
    const tried: Endpoint[] = [];
    const request = openRequest(exchange);
    for (;;) {
      const endpoint = upstream.pick(tried);
      tried.push(endpoint);
      record.endpoint = endpoint.name;
      record.attempts = tried.length;
      record.upstreamStarted = clock.now();
      const outcome = await relay.attempt(endpoint, request);
      if (!('error' in outcome)) return outcome;
      const { error, replay } = outcome;
      if (exchange.aborted !== undefined || error.row.source !== 'upstream') throw error;
      const again = tried.length < MAX_ATTEMPTS && mayGoAgain(replay);
      options.events.emit('attempt_failed', {
        upstream: upstream.name,
        endpoint: endpoint.name,
        code: error.code,
        replayed: again,
      });
      if (!again) throw error;
    }
  }

  function mayGoAgain(replay: Replay): boolean {
    return replay === 'anywhere' || (replay === 'elsewhere' && upstream.endpoints.length > 1);
  }

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

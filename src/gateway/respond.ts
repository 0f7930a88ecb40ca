/** Sends an answer that a policy gives: through the hooks on the way out, and then at the pace of the client. */

import type { FastifyReply } from 'fastify';
import type { Clock } from '../core/clock.ts';
import { GatewayError } from '../core/errors.ts';
import type { Answer, BodySource, Exchange } from '../core/exchange.ts';
import { getField } from '../core/headers.ts';
import type { AnswerHook } from '../core/policy.ts';
import { NOBODY, type Receiver, ResetCode, type Sink } from '../core/raw.ts';
import { Download } from './download.ts';
import type { PaceLimits } from './pace.ts';

/** How slow a reader may be. */
export interface RespondLimits {
  readonly writeIdleMs: number;
  readonly writePace: PaceLimits;
}

/** Waits for the end of an answer that was given whole. */
class WholeReceiver implements Receiver {
  readonly onData = NOBODY.onData;
  readonly onEnd = NOBODY.onEnd;
  readonly onReset = NOBODY.onReset;
  readonly onDrain = NOBODY.onDrain;
  readonly #download: Download;
  constructor(download: Download) {
    this.#download = download;
  }
  onClose(): void {
    this.#download.close();
  }
}

/** Begins an answer; throws, with nothing sent, where the client's protocol cannot say it. */
export function respond(
  exchange: Exchange,
  answer: Answer,
  body: BodySource,
  {
    hooks,
    reply,
    clock,
    limits,
  }: {
    readonly hooks: readonly AnswerHook[];
    readonly reply: FastifyReply;
    readonly clock: Clock;
    readonly limits: RespondLimits;
  },
): void {
  const { record, downstream } = exchange;
  record.firstByte ??= clock.now();
  if (getField(answer.fields, 'x-request-id') === undefined) answer.fields.push('x-request-id', exchange.id);
  for (const hook of hooks) hook(exchange, answer);
  record.status = answer.status;
  record.answeredBy ??= answer.source;
  const download = new Download(exchange, clock, limits.writeIdleMs, limits.writePace);
  if (body.whole !== undefined && answer.sink === undefined && answer.listen === undefined && !answer.ended) {
    downstream.receiver = new WholeReceiver(download);
    reply.hijack();
    download.whole(answer, body.whole);
    return;
  }
  const sink: Sink = {
    write: (chunk) => download.over || download.write(chunk),
    end: (trailers) => {
      if (!download.over) download.end(trailers);
    },
    reset: (code) => download.cut(new GatewayError('UPSTREAM_CUT'), code),
  };
  downstream.receiver = {
    ...NOBODY,
    onReset: () => {
      if (download.over) return;
      record.error ??= new GatewayError('CLIENT_LEFT');
      exchange.abort(record.error);
    },
    onDrain: () => download.drained(),
    onClose: () => {
      download.close();
      body.stop();
    },
  };
  reply.hijack();
  download.begin(answer, () => body.drained());
  if (answer.ended) {
    body.stop();
    return;
  }
  exchange.onAbort((error) => {
    if (download.over) return;
    download.cut(error, ResetCode.CANCEL);
    body.stop();
  });
  body.start(sink);
}

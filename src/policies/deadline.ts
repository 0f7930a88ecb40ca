import { z } from 'zod';
import { GatewayError } from '../core/errors.ts';
import { definePolicy } from '../core/policy.ts';

const TIMEOUT_UNITS: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/**
 * The `grpc-timeout` of a request in milliseconds; undefined where it is absent or malformed. Malformed ones are left
 * to the upstream, which answers in its own words. At most 8 digits and a unit: gRPC over HTTP/2, "Request-Headers".
 */
export function parseGrpcTimeout(value: string | undefined): number | undefined {
  const match = value === undefined ? null : /^(\d{1,8})([HMSmun])$/.exec(value);
  return match ? Number(match[1]) * TIMEOUT_UNITS[match[2]!]! : undefined;
}

/** The `connect-timeout-ms` of a request; at most 10 digits, Connect protocol, "Unary-Request". */
export function parseConnectTimeout(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,10}$/.test(value) ? Number(value) : undefined;
}

/** Node's timers overflow above this and fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Gives up on an exchange when its time is over: the route's limit or the caller's own deadline, whichever is first. */
export const deadline = definePolicy({
  name: 'deadline',
  summary: 'Gives up when an answer takes too long, and honours the deadline that an RPC carries.',
  options: z.strictObject({
    answer_ms: z
      .int()
      .min(0)
      .max(86_400_000)
      .default(60_000)
      .describe("How long the answer's head may take, in milliseconds; 0 waits for ever."),
    total_ms: z
      .int()
      .min(0)
      .max(86_400_000)
      .default(0)
      .describe('How long the whole exchange may take, in milliseconds; 0 sets no limit, as streams need it.'),
    idle_ms: z
      .int()
      .min(0)
      .max(86_400_000)
      .default(0)
      .describe(
        'How long no byte may come from either side once the request is on its way upstream, in milliseconds; 0 sets no limit, as quiet streams need it.',
      ),
    honour_caller: z
      .boolean()
      .default(true)
      .describe('Whether `grpc-timeout` and `connect-timeout-ms` of the caller also end the exchange.'),
  }),
  hooks(options, { clock }) {
    return {
      onRequest: function deadline(request, _reply, done) {
        const { exchange } = request;
        const { dialect, head, record } = exchange;
        let total = options.total_ms;
        if (options.honour_caller && dialect.name !== 'http') {
          const name = dialect.name === 'connect' ? 'connect-timeout-ms' : 'grpc-timeout';
          const value = head.headers[name];
          const text = typeof value === 'string' ? value : undefined;
          const asked = name === 'grpc-timeout' ? parseGrpcTimeout(text) : parseConnectTimeout(text);
          if (asked !== undefined && (total === 0 || asked < total)) total = Math.max(asked, 1);
        }
        exchange.idleMs = options.idle_ms;
        if (total > 0) exchange.deadlineAt = clock.now() + total;
        if (total > 0 && total <= MAX_TIMER_MS) {
          const cancel = clock.after(total, () =>
            exchange.abort(new GatewayError('DEADLINE_EXCEEDED', { detail: `total ${total} ms` })),
          );
          exchange.hold({ [Symbol.dispose]: cancel });
        }
        if (options.answer_ms > 0 && (total === 0 || options.answer_ms < total)) {
          const cancel = clock.after(options.answer_ms, () => {
            if (record.firstByte !== undefined) return;
            exchange.abort(new GatewayError('DEADLINE_EXCEEDED', { detail: `answer ${options.answer_ms} ms` }));
          });
          exchange.hold({ [Symbol.dispose]: cancel });
        }
        done();
      },
    };
  },
});

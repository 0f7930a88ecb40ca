/** Plans of a few requests against a server of the test. */

import type { AnswerForm, Expectation, Plan, PlannedRequest } from '../../bench/load/plan.ts';

/** A right answer is 200, or what is said. */
export function expecting(form: AnswerForm = 'http', more: Partial<Expectation> = {}): Expectation {
  return { form, statuses: [200], grpcStatus: '0', messages: undefined, digest: undefined, ...more };
}

export function asking(path: string, expectation = expecting()): PlannedRequest {
  return { name: path, weight: 1, thinkMs: 0, method: 'GET', path, fields: [], body: undefined, expectation };
}

/** In the clear to a port of loopback. */
export function planFor(port: number, request: PlannedRequest, more: Partial<Plan> & { h1?: boolean } = {}): Plan {
  const { h1 = false, ...rest } = more;
  const protocol = h1 ? 'http/1.1' : 'h2';
  return {
    target: { host: '127.0.0.1', port, tls: false, authority: `127.0.0.1:${port}`, protocol, verify: false },
    lines: { connections: 1, streams: 1, requestsPerConnection: 0, resume: false, idle: 0 },
    requests: [request],
    rate: undefined,
    warmUpMs: 100,
    durationMs: 400,
    timeoutMs: 5000,
    spin: false,
    seed: 1,
    ...rest,
  };
}

import type { Ledger } from './ledger.ts';
import type { Visit } from './visit.ts';

/** What the probes tell of. */
export interface Probed {
  readonly ledger: Ledger;
  /** Why the stand-in is not ready, or undefined when it is. */
  readonly unready: () => string | undefined;
  /** Whether there are metrics; without them the path is a 404. */
  readonly metrics: boolean;
}

/** The probes under /debug, which need no instance and no host (ZITADEL internal/api/api.go, healthHandler). */
export function answerProbe(visit: Visit, probed: Probed) {
  const unready = probed.unready();
  const error = `ID=API-F24h2 Message=DB CONNECTION ERROR Parent=(${unready})`;
  switch (visit.path.slice('/debug'.length)) {
    case '/healthz':
      return visit.send(200, { 'content-type': 'text/plain; charset=utf-8' }, 'ok');
    case '/ready':
      // The error goes out by http.Error, as plain text (ZITADEL internal/api/http/marshal.go).
      return unready === undefined ? visit.json(200, 'ok') : visit.error(412, error);
    case '/validate':
      return unready === undefined ? visit.json(200, 'ok') : visit.json(200, [{ message: error }]);
    case '/metrics':
      return probed.metrics ? metrics(visit, probed.ledger) : visit.error(404, '404 page not found');
    default:
      return visit.error(404, '404 page not found');
  }
}

function metrics(visit: Visit, ledger: Ledger): void {
  const text = [
    '# HELP http_server_request_count_total Number of requests.',
    '# TYPE http_server_request_count_total counter',
    `http_server_request_count_total{otel_scope_name="zitadel"} ${ledger.total}`,
    '# HELP process_resident_memory_bytes Resident memory size in bytes.',
    '# TYPE process_resident_memory_bytes gauge',
    `process_resident_memory_bytes ${process.memoryUsage.rss()}`,
    '',
  ].join('\n');
  visit.send(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8; escaping=values' }, text);
}

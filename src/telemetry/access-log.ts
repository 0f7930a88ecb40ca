import type { Events } from '../core/events.ts';
import type { AccessRecord, Exchange } from '../core/exchange.ts';
import { defect } from './lines.ts';
import type { Log, LogFields } from './log-contract.ts';
import { printable } from './printable.ts';

/** The longest that words of a client may be in a line, in characters. */
const MAX = { method: 32, host: 255, path: 2048, userAgent: 256, id: 128, detail: 512 } as const;

function milliseconds(from: number | undefined, to: number | undefined): number | undefined {
  return from === undefined || to === undefined ? undefined : Math.round((to - from) * 1000) / 1000;
}

function bounded(text: string | undefined, max: number): string | undefined {
  return text === undefined ? undefined : printable(text, max);
}

/** A number where gRPC has one; what else an upstream says stays readable. */
function grpcStatus(said: string | undefined): number | string | undefined {
  if (said === undefined) return undefined;
  return /^\d{1,2}$/.test(said) ? Number(said) : printable(said, 16);
}

function userAgent(exchange: Exchange): string | undefined {
  const said = exchange.head.headers['user-agent'];
  return typeof said === 'string' ? printable(said, MAX.userAgent) : undefined;
}

/**
 * The fields of a record, in the order of the line. Of the request's header fields only Host and User-Agent are read:
 * Authorization, Cookie and Set-Cookie cannot reach a line.
 */
function fieldsOf(log: Log, exchange: Exchange, record: AccessRecord, closed: number): LogFields {
  const { raw, route } = exchange;
  const { error } = record;
  return {
    event: 'exchange',
    request_id: printable(exchange.id, MAX.id),
    upstream_request_id: bounded(record.upstreamRequestId, MAX.id),
    listener: raw.connection.listener,
    client_address: exchange.client.address,
    peer_address: raw.connection.peerAddress,
    proxy_address: raw.connection.proxyAddress,
    scheme: exchange.client.scheme,
    method: printable(raw.method, MAX.method),
    host: printable(log.redactor.authority(raw.authority), MAX.host),
    path: printable(log.redactor.target(raw.target), MAX.path),
    route: route.name,
    class: route.class,
    upstream: route.upstream,
    dialect: exchange.dialect.name,
    http_version: raw.httpVersion,
    tls_version: raw.connection.tlsVersion,
    client_certificate: raw.connection.clientCertificate?.fingerprint,
    // A client that left before the head got no status; the catalogue has the one that a log shows.
    status: record.status || error?.row.http,
    grpc_status: grpcStatus(record.grpcStatus),
    bytes_in: record.bytesIn,
    bytes_out: record.bytesOut,
    duration_ms: milliseconds(record.started, closed),
    first_byte_ms: milliseconds(record.started, record.firstByte),
    upstream_ms: milliseconds(record.upstreamStarted, record.upstreamEnded),
    endpoint: record.endpoint,
    attempts: record.attempts,
    answered_by: record.answeredBy,
    cache: record.cache,
    user_agent: userAgent(exchange),
    error: error?.code,
    error_detail: error?.detail === undefined ? undefined : printable(log.redactor.text(error.detail), MAX.detail),
    error_source: error?.row.source,
    rule: error?.rule,
    reported_rules: record.reported.length === 0 ? undefined : record.reported.join(' '),
  };
}

/** What people look for first; the whole record is in the JSON form. */
function shortOf(fields: LogFields): LogFields {
  const { route, dialect, client_address, endpoint, cache, request_id } = fields;
  const { error, error_detail, rule, reported_rules } = fields;
  return { route, dialect, client_address, endpoint, cache, request_id, error, error_detail, rule, reported_rules };
}

function messageOf({ method, host, path, status, grpc_status, duration_ms }: LogFields): string {
  const grpc = grpc_status === undefined ? '' : ` grpc ${grpc_status}`;
  return `${method} ${host}${path} ${status}${grpc} ${duration_ms} ms`;
}

/** Writes one line for each exchange, at the level that the catalogue gives its error; `info` where there is none. */
export function accessLog(events: Events, log: Log): void {
  events.on('exchange', ({ exchange, record }) => {
    const { error } = record;
    if (error?.code === 'DEFECT')
      defect(log, error.cause ?? error, { where: `route ${exchange.route.name}`, request_id: exchange.id });
    const level = error?.row.level ?? 'info';
    if (!log.enabled(level)) return;
    const fields = fieldsOf(log, exchange, record, record.closed ?? log.clock.now());
    if (log.human) log.record(level, shortOf(fields), messageOf(fields));
    else log.record(level, fields);
  });
}

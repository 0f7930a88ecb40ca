import { Counter, Gauge, type Registry } from 'prom-client';
import type { Events } from '../core/events.ts';
import { BoundedLabel, codeLabel } from './labels.ts';

/** Connections of clients, sessions to endpoints and attempts that failed; from events. */
export function connectionMetrics(registry: Registry, events: Events): void {
  const registers = [registry];
  const reasons = new BoundedLabel(100);
  const endpoints = new BoundedLabel();

  const opened = new Counter({
    name: 'gatehouse_connections_total',
    help: 'Connections of clients that were opened; tls is empty on cleartext.',
    labelNames: ['listener', 'protocol', 'tls'],
    registers,
  });
  const open = new Gauge({
    name: 'gatehouse_connections_open',
    help: 'Connections of clients that are open.',
    labelNames: ['listener', 'protocol'],
    registers,
  });
  const ended = new Counter({
    name: 'gatehouse_connections_ended_total',
    help: 'Connections that were refused or ended below HTTP; limit is the key of the config that was exceeded, or empty.',
    labelNames: ['listener', 'reason', 'limit'],
    registers,
  });
  events.on('connection_opened', ({ listener, protocol, tlsVersion }) => {
    opened.inc({ listener, protocol, tls: tlsVersion ?? '' });
    open.inc({ listener, protocol });
  });
  events.on('connection_closed', ({ listener, protocol }) => open.dec({ listener, protocol }));
  events.on('connection_ended', ({ listener, reason, limit }) =>
    ended.inc({ listener, reason: reasons.of(reason), limit: limit ?? '' }),
  );

  const sessionsOpened = new Counter({
    name: 'gatehouse_sessions_total',
    help: 'Sessions to endpoints that were opened.',
    labelNames: ['upstream', 'endpoint'],
    registers,
  });
  const sessionsOpen = new Gauge({
    name: 'gatehouse_sessions_open',
    help: 'Sessions to endpoints that are open.',
    labelNames: ['upstream', 'endpoint'],
    registers,
  });
  const sessionsClosed = new Counter({
    name: 'gatehouse_sessions_closed_total',
    help: 'Sessions to endpoints that ended, and why.',
    labelNames: ['upstream', 'endpoint', 'reason'],
    registers,
  });
  events.on('session_opened', ({ upstream, endpoint }) => {
    const labels = { upstream, endpoint: endpoints.of(endpoint) };
    sessionsOpened.inc(labels);
    sessionsOpen.inc(labels);
  });
  events.on('session_closed', ({ upstream, endpoint, reason }) => {
    const labels = { upstream, endpoint: endpoints.of(endpoint) };
    sessionsOpen.dec(labels);
    sessionsClosed.inc({ ...labels, reason: reasons.of(reason) });
  });

  const failed = new Counter({
    name: 'gatehouse_upstream_errors_total',
    help: 'Attempts on endpoints that failed, by the code of the catalogue; replayed: the request was sent again.',
    labelNames: ['upstream', 'endpoint', 'code', 'replayed'],
    registers,
  });
  events.on('attempt_failed', ({ upstream, endpoint, code, replayed }) =>
    failed.inc({ upstream, endpoint: endpoints.of(endpoint), code: codeLabel(code), replayed: String(replayed) }),
  );
}

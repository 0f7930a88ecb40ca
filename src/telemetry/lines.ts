/**
 * Every line of the log but the records of exchanges, one function each. A line has `event`, which programs look for,
 * and a message for people; words from outside are redacted and kept on one line.
 */

import type { LogLevel } from '../core/catalogue.ts';
import type { GatewayEvents } from '../core/events.ts';
import type { Log, LogFields } from './log-contract.ts';
import { printable, printableLines } from './printable.ts';

/** Messages and problems longer than this are cut. */
const MAX_TEXT = 8192;

function say(log: Log, level: LogLevel, event: string, fields: LogFields, message: string): void {
  log.logger[level]({ event, ...fields }, message);
}

function clean(log: Log, text: string, max = 512): string {
  return printable(log.redactor.text(text.slice(0, MAX_TEXT)), max);
}

/** The process begins. */
export function starting(log: Log, line: { version: string; node: string; config: string; pid: number }): void {
  say(log, 'info', 'starting', line, `Gatehouse ${line.version} starts with ${line.config} on Node ${line.node}`);
}

/** A worker has ended, or cannot begin. */
export function workerLost(log: Log, { worker, problem, restartInMs }: GatewayEvents['worker_lost']): void {
  const why = clean(log, problem, 1024);
  const fields = { worker, problem: why, restart_in_ms: restartInMs };
  say(log, 'error', 'worker_lost', fields, `Worker ${worker} is lost, begins again in ${restartInMs} ms: ${why}`);
}

/** A worker is there again. */
export function workerStarted(log: Log, { worker, restarts }: GatewayEvents['worker_started']): void {
  say(log, 'info', 'worker_started', { worker, restarts }, `Worker ${worker} has begun again`);
}

/** A listener, the admin listener too, is bound. */
export function listening(log: Log, line: { listener: string; url: string }): void {
  say(log, 'info', 'listening', line, `Listener ${line.listener} takes connections at ${line.url}`);
}

/** All is up; `ready` of the admin listener says so from now on. */
export function ready(log: Log, line: { ms: number }): void {
  say(log, 'info', 'ready', line, `Ready after ${Math.round(line.ms)} ms`);
}

/** What a person may try first, in several lines of our own words. */
export function welcome(log: Log, text: string): void {
  log.logger.info({ event: 'welcome' }, text);
}

/** Somebody calls an RPC that no service definition has. */
export function unknownRpc(log: Log, line: GatewayEvents['unknown_rpc']): void {
  const name = printable(line.name, 256);
  const what = line.refused ? 'refused' : 'forwarded';
  const message = `${name} is in no service definition that the gateway knows, and was ${what}: a newer ZITADEL, or somebody looks for doors`;
  say(log, 'info', 'unknown_rpc', { ...line, name }, message);
}

/** So many unknown RPCs were told of that no further one is. */
export function unknownRpcsSilenced(log: Log, names: number): void {
  const message = `${names} unknown RPCs were called: further names are not logged`;
  say(log, 'warn', 'unknown_rpcs_silenced', { names }, message);
}

/** The server that replicas share their limits on came or went. */
export function sharedTier(log: Log, { up, problem }: GatewayEvents['shared_tier']): void {
  const why = clean(log, problem ?? 'unknown');
  if (up) say(log, 'info', 'shared_tier_up', {}, 'The server of limiter.shared answers: limits are shared');
  else say(log, 'warn', 'shared_tier_down', { problem: why }, `The server of limiter.shared does not answer: ${why}`);
}

/** A list of addresses was read again. */
export function listReloaded(log: Log, line: GatewayEvents['list_reloaded']): void {
  say(log, 'info', 'list_reloaded', line, `List ${line.name} was read again from ${line.file}: ${line.size} networks`);
}

/** A list of addresses could not be read again. */
export function listFailed(log: Log, line: GatewayEvents['list_failed']): void {
  const message = `List ${line.name} was not read again, the one before stays in use: ${clean(log, line.problem)}`;
  say(log, 'error', 'list_failed', { ...line, problem: clean(log, line.problem) }, message);
}

/** A stored body has no coding of its own: it goes out as it is, or coded while it passes. */
export function variantFailed(log: Log, line: GatewayEvents['variant_failed']): void {
  const reason = clean(log, line.reason);
  const message = `A stored body could not be coded as ${line.coding}: ${reason}`;
  say(log, 'warn', 'variant_failed', { ...line, reason }, message);
}

/** The directory of the cache can be used again, or cannot. */
export function cacheDisk(log: Log, { up, directory, problem }: GatewayEvents['cache_disk']): void {
  const why = clean(log, problem ?? 'unknown');
  if (up) say(log, 'info', 'cache_disk_up', { directory }, `Stored answers are kept in ${directory} again`);
  else {
    const message = `Stored answers are not kept in ${directory}, the cache goes on in memory: ${why}`;
    say(log, 'warn', 'cache_disk_down', { directory, problem: why }, message);
  }
}

/** The page of a host, and what it loads, were fetched at the start, or the page was not to be had. */
export function cacheWarmed(log: Log, line: GatewayEvents['cache_warmed']): void {
  const { route, host, stored } = line;
  if (stored > 0)
    say(log, 'info', 'cache_warmed', line, `Cache of route ${route} is warm for ${host}: ${stored} files`);
  else
    say(log, 'warn', 'cache_warmed', line, `Cache of route ${route} stays cold for ${host}: its page was not stored`);
}

/** Another generation of the config is in use. */
export function reloaded(log: Log, line: GatewayEvents['reloaded']): void {
  say(log, 'info', 'reloaded', line, `Config reloaded in ${Math.round(line.ms)} ms: generation ${line.generation}`);
}

/** A config that was reloaded says something that is probably not meant. */
export function configDoubtful(log: Log, line: { problem: string }): void {
  say(log, 'warn', 'config_doubtful', line, line.problem);
}

/** A config was refused; the one before stays in use. Problems keep their lines. */
export function reloadFailed(log: Log, line: GatewayEvents['reload_failed']): void {
  const problems = printableLines(log.redactor.text(line.problems.slice(0, MAX_TEXT)), MAX_TEXT);
  say(log, 'error', 'reload_failed', { problems }, 'Config refused; the one before stays in use');
}

/** Something in the deployment does not fit. */
export function hint(log: Log, line: GatewayEvents['hint']): void {
  const topic = printable(line.topic, 128);
  const host = printable(log.redactor.authority(line.host), 255);
  const found = clean(log, line.found);
  const expected = clean(log, line.expected);
  const message = `${topic} for ${host}: found ${found}, expected ${expected}; the key to look at is ${line.key}`;
  say(log, 'warn', 'hint', { topic, host, found, expected, key: line.key }, message);
}

const UNTRUSTED = {
  private_peer: 'a private address',
  forwarding_headers: 'which sends forwarding headers',
} as const;

/** A proxy in front is not trusted: all clients look like one, and one limit is everybody's (zitadel/zitadel#9106). */
export function untrustedProxy(log: Log, line: GatewayEvents['untrusted_proxy']): void {
  const network = `${line.peerAddress}/${line.peerAddress.includes(':') ? 128 : 32}`;
  const message =
    `ALL CLIENTS MAY LOOK LIKE ONE: requests reach listener ${line.listener} from ${line.peerAddress}, ${UNTRUSTED[line.reason]}, ` +
    `but it is not in trusted_proxies. Rate limits and ZITADEL's audit log then see the proxy. ` +
    `If it is your proxy or load balancer, add it or its network: trusted_proxies: ["${network}"]`;
  const { listener, reason, peerAddress } = line;
  say(log, 'warn', 'untrusted_proxy', { listener, reason, peer_address: peerAddress, add: network }, message);
}

/** A connection was refused or ended below HTTP; names the limit where one was exceeded. */
export function connectionEnded(log: Log, line: GatewayEvents['connection_ended']): void {
  const { listener, limit, code, peerAddress } = line;
  const reason = clean(log, line.reason);
  const because = limit === undefined ? reason : `${reason} (limit: ${limit})`;
  const fields = { listener, reason, limit, code, peer_address: peerAddress };
  say(log, 'info', 'connection_ended', fields, `Connection from ${peerAddress ?? 'unknown'} ended: ${because}`);
}

/** An endpoint is in another state than before. */
export function endpointHealth(log: Log, line: GatewayEvents['endpoint_health']): void {
  const reason = line.reason === undefined ? undefined : clean(log, line.reason);
  const said = {
    healthy: 'is ready',
    unhealthy: `is not ready: ${reason ?? 'unknown'}`,
    returned: 'gets requests again after its ejection',
  }[line.state];
  const message = `Endpoint ${line.endpoint} (${line.upstream}) ${said}`;
  say(log, 'info', 'endpoint_health', { ...line, reason }, message);
}

/** An endpoint gets no requests for a while. */
export function endpointEjected(log: Log, line: GatewayEvents['endpoint_ejected']): void {
  const message = `Endpoint ${line.endpoint} (${line.upstream}) gets no requests for ${line.ms} ms: ${line.detail}`;
  say(log, 'warn', 'endpoint_ejected', line, message);
}

/** So few endpoints are usable that all are used, or it is over. */
export function panic(log: Log, line: GatewayEvents['panic']): void {
  const { upstream, on, usable, total } = line;
  const message = on
    ? `Only ${usable} of ${total} endpoints of ${upstream} are usable: requests go to all of them`
    : `${usable} of ${total} endpoints of ${upstream} are usable again`;
  say(log, on ? 'error' : 'info', 'panic', line, message);
}

/** A session to an endpoint was opened. */
export function sessionOpened(log: Log, line: GatewayEvents['session_opened']): void {
  say(log, 'debug', 'session_opened', line, `Session ${line.session} to ${line.endpoint} (${line.upstream}) opened`);
}

/** A session to an endpoint ended. */
export function sessionClosed(log: Log, line: GatewayEvents['session_closed']): void {
  const reason = clean(log, line.reason);
  const message = `Session ${line.session} to ${line.endpoint} (${line.upstream}) closed: ${reason}`;
  say(log, 'info', 'session_closed', { ...line, reason }, message);
}

/** An attempt failed; the exchange may have succeeded with another. */
export function attemptFailed(log: Log, line: GatewayEvents['attempt_failed']): void {
  const message = `Attempt on ${line.endpoint} (${line.upstream}) failed: ${line.code}${line.replayed ? ', sent again elsewhere' : ''}`;
  say(log, line.replayed ? 'info' : 'warn', 'attempt_failed', { ...line }, message);
}

/** Lines of one kind came too fast: so many were left out. */
export function repeated(log: Log, line: { of: string; what: string; lines: number }): void {
  say(log, 'warn', 'repeated', line, `${line.lines} more lines ${line.of} (${line.what}) were left out`);
}

/** The reader of the log had stopped. */
export function linesDropped(log: Log, line: { lines: number }): void {
  say(log, 'warn', 'lines_dropped', line, `${line.lines} log lines were dropped: their reader was too slow`);
}

/** The admin listener refused somebody. */
export function adminRefused(log: Log, line: { code: string; path: string; peerAddress: string }): void {
  const { code, peerAddress } = line;
  const path = printable(log.redactor.target(line.path), 256);
  const message = `Admin listener refused ${peerAddress}: ${code}`;
  say(log, 'warn', 'admin_refused', { code, path, peer_address: peerAddress }, message);
}

/** The shutdown has begun: `ready` says no, and new connections are still taken for a while. */
export function draining(log: Log, line: GatewayEvents['draining']): void {
  say(log, 'info', 'draining', line, `${line.signal}: draining`);
}

/** Readiness is on again. */
export function drainEnded(log: Log): void {
  say(log, 'info', 'drain_ended', {}, 'Ready again: the drain was called off');
}

/** The shutdown was cut short by a second signal, or its time was over with exchanges left. */
export function forced(log: Log, line: { signal: string; exchanges: number }): void {
  say(log, 'warn', 'forced', line, `${line.signal}: ends at once with ${line.exchanges} exchanges open`);
}

/** The last line. */
export function stopped(log: Log, line: { ms: number }): void {
  say(log, 'info', 'stopped', line, `Stopped after ${Math.round(line.ms)} ms`);
}

/** A defect of the gateway, with its stack. */
export function defect(log: Log, thrown: unknown, line: { where: string; request_id?: string }): void {
  const message = clean(log, thrown instanceof Error ? thrown.message : String(thrown));
  say(log, 'error', 'defect', { ...line, stack: stackOf(log, thrown) }, `Defect in ${line.where}: ${message}`);
}

/** Stack and causes; `Error.cause` may be a chain, and a loop. */
function stackOf(log: Log, thrown: unknown): string | undefined {
  const stacks: string[] = [];
  for (let error = thrown; error instanceof Error && stacks.length < 5; error = error.cause) {
    stacks.push(error.stack ?? `${error.name}: ${error.message}`);
  }
  if (stacks.length === 0) return undefined;
  const text = stacks.join('\ncaused by ').slice(0, MAX_TEXT);
  return printableLines(log.redactor.text(text), MAX_TEXT);
}

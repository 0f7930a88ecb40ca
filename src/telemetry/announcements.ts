import type { Events } from '../core/events.ts';
import * as acme from './acme-lines.ts';
import * as certificates from './certificate-lines.ts';
import * as discovery from './discovery-lines.ts';
import * as lines from './lines.ts';
import type { Log } from './log-contract.ts';
import * as overload from './overload-lines.ts';
import { Repeats } from './repeats.ts';

/** Names of unknown RPCs that are told, each once; whoever sends random ones fills no log and no memory. */
const MAX_NAMES = 1000;
const MAX_NAME = 256;

/**
 * Writes a line for what happens outside any exchange. Connections that end and attempts that fail come as fast as an
 * attack or an outage makes them: of each kind some lines are written and the rest is counted.
 */
export function connectEvents(log: Log, events: Events): void {
  const ended = new Repeats(log.clock, (what, left) =>
    lines.repeated(log, { of: 'connection_ended', what, lines: left }),
  );
  const failed = new Repeats(log.clock, (what, left) =>
    lines.repeated(log, { of: 'attempt_failed', what, lines: left }),
  );
  const warned = new Set<string>();

  events.on('connection_ended', (event) => {
    if (ended.admits(`${event.listener} ${event.limit ?? event.code ?? event.reason}`))
      lines.connectionEnded(log, event);
  });
  events.on('attempt_failed', (event) => {
    if (failed.admits(`${event.endpoint} ${event.code}`)) lines.attemptFailed(log, event);
  });
  events.on('endpoint_health', (event) => lines.endpointHealth(log, event));
  events.on('endpoint_ejected', (event) => lines.endpointEjected(log, event));
  events.on('panic', (event) => lines.panic(log, event));
  events.on('session_opened', (event) => lines.sessionOpened(log, event));
  events.on('session_closed', (event) => lines.sessionClosed(log, event));
  events.on('untrusted_proxy', (event) => {
    const what = `${event.listener} ${event.reason}`;
    if (warned.has(what)) return;
    warned.add(what);
    lines.untrustedProxy(log, event);
  });
  events.on('hint', (event) => lines.hint(log, event));
  events.on('reloaded', (event) => {
    lines.reloaded(log, event);
    // What is still wrong after somebody changed the config is worth saying again.
    warned.clear();
  });
  events.on('reload_failed', (event) => lines.reloadFailed(log, event));
  const names = new Set<string>();
  events.on('unknown_rpc', (event) => {
    const name = event.name.slice(0, MAX_NAME);
    if (names.has(name) || names.size > MAX_NAMES) return;
    names.add(name);
    if (names.size > MAX_NAMES) lines.unknownRpcsSilenced(log, MAX_NAMES);
    else lines.unknownRpc(log, { ...event, name });
  });
  events.on('list_reloaded', (event) => lines.listReloaded(log, event));
  events.on('list_failed', (event) => lines.listFailed(log, event));
  events.on('endpoints_changed', (event) => discovery.endpointsChanged(log, event));
  const unfound = new Repeats(log.clock, (what, left) =>
    lines.repeated(log, { of: 'discovery_failed', what, lines: left }),
  );
  events.on('discovery_failed', (event) => {
    if (unfound.admits(event.upstream)) discovery.discoveryFailed(log, event);
  });
  events.on('discovery_recovered', (event) => discovery.discoveryRecovered(log, event));
  events.on('certificates_loaded', (event) => certificates.certificatesLoaded(log, event));
  events.on('certificates_refused', (event) => certificates.certificatesRefused(log, event));
  events.on('certificate_ending', (event) => certificates.certificateEnding(log, event));
  events.on('acme_issued', (event) => acme.acmeIssued(log, event));
  events.on('acme_failed', (event) => acme.acmeFailed(log, event));
  events.on('acme_challenge', (event) => acme.acmeChallenge(log, event));
  events.on('ticket_key_rotated', () => certificates.ticketKeyRotated(log));
  events.on('ticket_keys_refused', (event) => certificates.ticketKeysRefused(log, event));
  events.on('shared_tier', (event) => lines.sharedTier(log, event));
  const uncoded = new Repeats(log.clock, (what, left) =>
    lines.repeated(log, { of: 'variant_failed', what, lines: left }),
  );
  events.on('variant_failed', (event) => {
    if (uncoded.admits(event.coding)) lines.variantFailed(log, event);
  });
  const refused = new Repeats(log.clock, (what, left) => lines.repeated(log, { of: 'overloaded', what, lines: left }));
  events.on('overloaded', (event) => {
    if (refused.admits(`${event.by} ${event.where} ${event.class}`)) overload.overloaded(log, event);
  });
  events.on('loop_pressure', (event) => overload.loopPressure(log, event));
  events.on('memory_pressure', (event) => overload.memoryPressure(log, event));
  events.on('cache_disk', (event) => lines.cacheDisk(log, event));
  events.on('cache_warmed', (event) => lines.cacheWarmed(log, event));
  events.on('worker_lost', (event) => lines.workerLost(log, event));
  events.on('worker_started', (event) => lines.workerStarted(log, event));
  events.on('draining', (event) => lines.draining(log, event));
  events.on('drain_ended', () => lines.drainEnded(log));
}

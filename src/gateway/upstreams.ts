/** The upstreams of a generation; kept over a reload as long as nothing about them changes. */

import { readFileSync } from 'node:fs';
import type { UpstreamConfig } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import type { Discovery } from '../upstream/discovery/discovery.ts';
import type { PoolSettings } from '../upstream/pool.ts';
import { Upstream } from '../upstream/upstream.ts';
import { EarlyLooks, makeDiscovery } from './discoveries.ts';
import type { GenerationOptions } from './generation.ts';
import { healthSettings } from './health-settings.ts';

/** Pool settings as the config says them; certificate files are read here. */
export function poolSettings(config: UpstreamConfig): PoolSettings {
  const read = (file: string | undefined): string | undefined =>
    file === undefined ? undefined : readFileSync(file, 'utf8');
  return {
    protocol: config.protocol,
    http2Engine: config.http2_engine,
    connectTimeoutMs: config.connect_timeout_ms,
    pingIntervalMs: config.ping_interval_ms,
    pingTimeoutMs: config.ping_timeout_ms,
    idleSessionMs: config.idle_session_ms,
    maxSessions: config.max_sessions,
    maxStreamsPerSession: config.max_streams_per_session,
    maxStreams: config.max_streams,
    maxPending: config.max_pending,
    pendingTimeoutMs: config.pending_timeout_ms,
    maxAnswerHeaderBytes: config.max_answer_header_bytes,
    streamWindowBytes: config.stream_window_bytes,
    sessionWindowBytes: config.session_window_bytes,
    maxIdleConnections: config.max_idle_connections,
    tls: {
      ca: read(config.tls?.ca_file),
      serverName: config.tls && (config.tls.server_name ?? discoveredName(config)),
      certificate: read(config.tls?.certificate_file),
      key: read(config.tls?.key_file),
      insecureSkipVerify: config.tls?.insecure_skip_verify ?? false,
    },
  };
}

/** The name that the certificates of discovered endpoints are for: what was asked for, never what an answer says. */
function discoveredName({ discovery }: UpstreamConfig): string | undefined {
  if (discovery?.dns !== undefined) return discovery.dns.name.replace(/\.$/, '');
  // RFC 2782: `_service._protocol.name`.
  return discovery?.srv?.name.replace(/^(?:_[^.]+\.)+/, '').replace(/\.$/, '');
}

/** An upstream that closes when no generation names it. */
class KeptUpstream extends Upstream implements Disposable {
  #discovery: Discovery | undefined;
  #leave: (() => void) | undefined;

  /** Takes its endpoints from there from now on. */
  follow(discovery: Discovery, clock: Clock, waitMs: number): void {
    if (this.#discovery === discovery) return;
    this.#discovery = discovery;
    this.#leave?.();
    this.#leave = discovery.listen((specs) => this.update(specs));
    if (discovery.specs !== undefined) this.update(discovery.specs);
    else if (this.endpoints.length === 0) this.#await(discovery, clock, waitMs);
  }

  /** Requests wait for the first endpoints, but not for ever. */
  #await(discovery: Discovery, clock: Clock, waitMs: number): void {
    const timeout = Promise.withResolvers<void>();
    const cancel = clock.after(waitMs, timeout.resolve);
    this.awaited = Promise.race([discovery.looked, timeout.promise]).then(() => {
      cancel();
      this.awaited = undefined;
    });
  }

  [Symbol.dispose](): void {
    this.#leave?.();
    this.drain();
  }
}

/** The upstreams of a generation. */
export interface KeptUpstreams {
  readonly byName: ReadonlyMap<string, Upstream>;
  /** Looks for the endpoints of those that are new; resolves when each was looked for once. */
  warm(): Promise<void>;
  /** Traffic comes from now on: they take their endpoints from where this generation says. */
  start(): void;
}

/** Makes what is not there yet; throws where a file of endpoints cannot be used. */
export function keptUpstreams({ id, config, kept, events, clock }: GenerationOptions): KeptUpstreams {
  const byName = new Map<string, KeptUpstream>();
  const discoveries = new Map<string, Discovery>();
  for (const [name, upstream] of Object.entries(config.upstreams)) {
    const { endpoints, discovery } = upstream;
    const found = kept.use(id, 'discovery', [name, endpoints, discovery], () =>
      makeDiscovery(name, upstream, { clock, events, random: Math.random }),
    );
    const options = {
      name,
      // Not of its identity: other endpoints in the config are no other upstream.
      endpoints: [],
      balancer: upstream.balancer.type,
      hash: upstream.balancer.type === 'ring_hash' ? upstream.balancer.hash : undefined,
      slowStartMs: upstream.slow_start_ms,
      health: healthSettings(name, config),
      pool: poolSettings(upstream),
    };
    const made = kept.use(id, 'upstream', options, () => {
      const one = new KeptUpstream(options, events, clock);
      if (found.specs !== undefined) one.update(found.specs);
      return one;
    });
    byName.set(name, made);
    discoveries.set(name, found);
  }
  const earlyLooks = kept.use(id, 'early looks', '', () => new EarlyLooks(events));
  return {
    byName,
    async warm() {
      for (const discovery of discoveries.values()) discovery.start();
      await Promise.all([...discoveries.values()].map(({ looked }) => looked));
    },
    start() {
      for (const [name, upstream] of byName) {
        const discovery = discoveries.get(name)!;
        discovery.start();
        upstream.follow(discovery, clock, config.upstreams[name]!.connect_timeout_ms);
      }
      earlyLooks.use(discoveries);
    },
  };
}

/** The upstreams of a generation; kept over a reload as long as nothing about them changes. */

import { readFileSync } from 'node:fs';
import type { UpstreamConfig } from '../config/schema.ts';
import type { PoolSettings } from '../upstream/pool.ts';
import { Upstream } from '../upstream/upstream.ts';
import type { GenerationOptions } from './generation.ts';

/** Pool settings as the config says them; certificate files are read here. */
export function poolSettings(config: UpstreamConfig): PoolSettings {
  const read = (file: string | undefined): string | undefined =>
    file === undefined ? undefined : readFileSync(file, 'utf8');
  return {
    protocol: config.protocol,
    connectTimeoutMs: config.connect_timeout_ms,
    pingIntervalMs: config.ping_interval_ms,
    pingTimeoutMs: config.ping_timeout_ms,
    idleSessionMs: config.idle_session_ms,
    maxSessions: config.max_sessions,
    maxStreamsPerSession: config.max_streams_per_session,
    maxAnswerHeaderBytes: config.max_answer_header_bytes,
    streamWindowBytes: config.stream_window_bytes,
    sessionWindowBytes: config.session_window_bytes,
    maxIdleConnections: config.max_idle_connections,
    tls: {
      ca: read(config.tls?.ca_file),
      serverName: config.tls?.server_name,
      certificate: read(config.tls?.certificate_file),
      key: read(config.tls?.key_file),
      insecureSkipVerify: config.tls?.insecure_skip_verify ?? false,
    },
  };
}

/** An upstream that closes when no generation names it. */
class KeptUpstream extends Upstream {
  [Symbol.dispose](): void {
    this.drain();
  }
}

/** The upstreams by name. */
export function keptUpstreams({ id, config, kept, events }: GenerationOptions): ReadonlyMap<string, Upstream> {
  return new Map(
    Object.entries(config.upstreams).map(([name, upstream]) => {
      const options = {
        name,
        endpoints: upstream.endpoints,
        balancer: upstream.balancer,
        pool: poolSettings(upstream),
      };
      return [name, kept.use(id, 'upstream', options, () => new KeptUpstream(options, events))];
    }),
  );
}

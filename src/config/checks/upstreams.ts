import { givenTwice } from '../endpoints.ts';
import type { Path } from '../problem.ts';
import type { DiscoveryConfig } from '../schema/discovery.ts';
import type { UpstreamConfig } from '../schema.ts';
import type { Check, Findings } from './check.ts';
import { healthOf } from './upstream-health.ts';

/** Upstreams are spoken to in a way that carries what goes there. */
export const upstreams: Check = ({ config: { preset }, upstreams: all, routes }, found) => {
  for (const [name, upstream] of Object.entries(all)) one(name, upstream, found);
  if (preset !== undefined && preset.name !== 'none') {
    const main = all[preset.upstream];
    if (main?.protocol === 'http/1.1') {
      found.warn(
        ['upstreams', preset.upstream, 'protocol'],
        'gRPC does not pass over HTTP/1.1, and ZITADEL answers such calls with 404: expected h2c',
      );
    }
    const login = preset.login_upstream === undefined ? undefined : all[preset.login_upstream];
    if (login?.protocol === 'h2c' || login?.protocol === 'h2') {
      found.warn(
        ['upstreams', preset.login_upstream!, 'protocol'],
        'Login v2 is a Next.js process, which speaks HTTP/1.1: expected http/1.1',
      );
    }
  }
  if (routes === undefined) return;
  const used = new Set(routes.map(({ upstream }) => upstream));
  for (const name of Object.keys(all)) if (!used.has(name)) found.warn(['upstreams', name], 'no route uses it');
};

function one(name: string, upstream: UpstreamConfig, found: Findings): void {
  const path = ['upstreams', name];
  const { protocol, endpoints = [], discovery, tls } = upstream;
  for (const { path: at, message } of givenTwice(endpoints, [...path, 'endpoints'])) found.problem(at, message);
  if (discovery !== undefined) discovered([...path, 'discovery'], discovery, found);
  healthOf(path, upstream, found);
  if (upstream.stream_window_bytes > upstream.session_window_bytes) {
    found.warn([...path, 'stream_window_bytes'], 'larger than session_window_bytes, which is shared by all streams');
  }
  if (tls === undefined) return;
  if (protocol === 'h2c' || protocol === 'http/1.1') {
    found.problem([...path, 'tls'], `${protocol} is in the clear: expected protocol h2 or https beside tls`);
  }
  if ((tls.certificate_file === undefined) !== (tls.key_file === undefined)) {
    found.problem([...path, 'tls'], 'certificate_file and key_file belong together');
  }
  if (tls.insecure_skip_verify) {
    if (tls.ca_file === undefined) {
      found.warn(
        [...path, 'tls', 'insecure_skip_verify'],
        'anybody between the gateway and the endpoint can read and change everything',
      );
    } else {
      found.problem([...path, 'tls', 'insecure_skip_verify'], 'nothing is verified then: remove it or ca_file');
    }
  }
}

function discovered(path: Path, { srv, lookup, resolver, ...times }: DiscoveryConfig, found: Findings): void {
  if (lookup === 'system' && srv !== undefined) {
    found.problem([...path, 'lookup'], 'the operating system knows no SRV records: expected dns');
  }
  if (lookup === 'system' && resolver.length > 0) {
    found.problem([...path, 'resolver'], 'is not asked with `lookup: system`: remove one of them');
  }
  if (times.min_ttl_ms > times.max_ttl_ms) {
    found.problem([...path, 'min_ttl_ms'], 'expected no more than max_ttl_ms');
  }
}

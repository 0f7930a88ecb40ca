import type { Path } from '../problem.ts';
import type { UpstreamConfig } from '../schema.ts';
import type { Findings } from './check.ts';

/** What the health of an upstream says fits together, and fits its protocol. */
export function healthOf(path: Path, { protocol, health }: UpstreamConfig, found: Findings): void {
  const { check, passive } = health;
  const at = [...path, 'health'];
  if (check.type === 'grpc' && protocol === 'http/1.1') {
    found.problem([...at, 'check', 'type'], 'gRPC does not pass over HTTP/1.1: expected http or tcp');
  }
  if (check.path !== undefined && check.type !== undefined && check.type !== 'http') {
    found.warn([...at, 'check', 'path'], `a check of type ${check.type} asks for no path`);
  }
  if (check.service !== '' && check.type !== 'grpc') {
    found.warn([...at, 'check', 'service'], 'only a check of type grpc asks about a service');
  }
  if (passive.max_eject_ms < passive.eject_ms) {
    found.problem([...at, 'passive', 'max_eject_ms'], `expected at least eject_ms, ${passive.eject_ms}`);
  }
}

import { z } from 'zod';
import { sharedTier } from './shared-tier.ts';

/** What all rate limits and concurrency limits share: memory, and how addresses become keys. */
export const limiter = z.strictObject({
  slots: z
    .int()
    .min(1024)
    .max(16_777_216)
    .default(262_144)
    .describe(
      'Keys that rate limits can count at once, 24 bytes each; with more, those that asked least are forgotten first.',
    ),
  places: z.int().min(1024).max(1_048_576).default(16_384).describe('Keys that concurrency limits can count at once.'),
  ipv6_prefix_length: z
    .int()
    .min(1)
    .max(128)
    .default(64)
    .describe('How many bits of an IPv6 address make one client in keys: whoever has one address has its whole /64.'),
  untrusted_private_peers: z
    .enum(['shadow', 'enforce'])
    .default('shadow')
    .describe(
      '`shadow`: limits by address alone only report while a peer may be a proxy that `trusted_proxies` does not list, because all clients may share its address. `enforce`: they hold.',
    ),
  shared: sharedTier
    .optional()
    .describe('Shares rate limits between replicas on Redis or Valkey; without it each replica counts alone.'),
});

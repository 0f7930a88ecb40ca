import { z } from 'zod';

/** Limits of the client's side. Beyond one there is an answer in the caller's dialect, or a connection error named in docs/limits.md. */
export const limits = z.strictObject({
  max_connections: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(10_000)
    .describe('Open connections over all listeners; more are closed at once.'),
  max_header_bytes: z
    .int()
    .min(4096)
    .max(1_048_576)
    .default(32_768)
    .describe('Header fields of a request, names and values, in bytes (431).'),
  max_header_count: z.int().min(16).max(2000).default(128).describe('Header fields of a request (431).'),
  max_url_bytes: z
    .int()
    .min(1024)
    .max(1_048_576)
    .default(32_768)
    .describe('Request target in bytes (414). SAML redirects need at least 16384.'),
  max_concurrent_streams: z
    .int()
    .min(1)
    .max(10_000)
    .default(128)
    .describe('Open HTTP/2 streams of one connection; more are refused (REFUSED_STREAM).'),
  header_timeout_ms: z
    .int()
    .min(100)
    .max(600_000)
    .default(10_000)
    .describe('How long the header of a request may take, in milliseconds.'),
  body_idle_ms: z
    .int()
    .min(100)
    .max(86_400_000)
    .default(30_000)
    .describe(
      'How long a client may send nothing of a body it owes, in milliseconds (408); not while the gateway holds it back.',
    ),
  write_idle_ms: z
    .int()
    .min(100)
    .max(86_400_000)
    .default(60_000)
    .describe('How long a client may take nothing of an answer that waits for it, in milliseconds; then a reset.'),
  idle_timeout_ms: z
    .int()
    .min(1000)
    .max(86_400_000)
    .default(900_000)
    .describe('How long an HTTP/2 connection may be without streams and PINGs, in milliseconds; then GOAWAY.'),
  keep_alive_ms: z
    .int()
    .min(1000)
    .max(86_400_000)
    .default(75_000)
    .describe('How long an HTTP/1.1 connection may wait for its next request, in milliseconds.'),
  handshake_timeout_ms: z
    .int()
    .min(100)
    .max(120_000)
    .default(10_000)
    .describe('How long the TLS handshake may take, in milliseconds.'),
  stream_window_bytes: z
    .int()
    .min(65_535)
    .max(16_777_216)
    .default(262_144)
    .describe('HTTP/2 window of a stream: how much of an upload may wait in the gateway, in bytes.'),
  connection_window_bytes: z
    .int()
    .min(65_535)
    .max(67_108_864)
    .default(1_048_576)
    .describe('HTTP/2 window of a connection over all its streams, in bytes.'),
});

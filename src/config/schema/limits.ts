import { z } from 'zod';

/** A rate with ten seconds' worth at once; 0 for no limit. */
const perSecond = (rate: number) => z.int().min(0).max(2_147_483_647).default(rate);

/** What one connection may do; beyond it GOAWAY(ENHANCE_YOUR_CALM) over HTTP/2, and the end. */
const perConnection = z.strictObject({
  resets_per_s: perSecond(30).describe(
    'Streams that the client resets unanswered within a second of opening them (rapid reset). Interfaces that cancel requests while somebody types stay far below.',
  ),
  malformed_per_s: perSecond(10).describe(
    'Requests that are malformed or over a limit of header or target. No working client sends any.',
  ),
  header_bytes_per_s: perSecond(4_194_304).describe(
    'Header bytes, uncompressed: two thousand requests a second with a token each. HPACK makes megabytes out of little.',
  ),
});

/** What one address may do over all its connections; IPv6 counts by `limiter.ipv6_prefix_length`. */
const perAddress = z.strictObject({
  connections_per_s: perSecond(100).describe(
    'New connections; more are closed at once, before TLS. An office behind one address has a thousand at once.',
  ),
  open_connections: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(2000)
    .describe(
      'Open connections; more are closed at once. A fifth of `max_connections`, so that no address has them all.',
    ),
  failed_handshakes_per_s: perSecond(20).describe(
    'TLS handshakes that failed or were not ended in time; then new connections are closed before TLS. Each costs a signature.',
  ),
  resets_per_s: perSecond(100).describe('As `per_connection.resets_per_s`, over all connections of the address.'),
  malformed_per_s: perSecond(50).describe(
    'As `per_connection.malformed_per_s`; a connection that breaks the protocol, or is ended by the HTTP engine, counts as one.',
  ),
  header_bytes_per_s: perSecond(33_554_432).describe(
    'As `per_connection.header_bytes_per_s`, over all connections of the address.',
  ),
});

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
  http2_engine: z
    .enum(['frames', 'node'])
    .default('frames')
    .describe(
      "What serves HTTP/2: `frames` is the gateway's own engine, `node` that of Node, with more work for each request.",
    ),
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
  body_min_bytes_per_s: z
    .int()
    .min(0)
    .max(1_048_576)
    .default(240)
    .describe(
      'How slowly a client may send a body that it owes, in a second (408); 0 for no minimum. A slow modem is ten times as fast; R.U.D.Y. is not.',
    ),
  write_min_bytes_per_s: z
    .int()
    .min(0)
    .max(1_048_576)
    .default(240)
    .describe('How slowly a client may take an answer that waits for it, in a second; then a reset. 0 for no minimum.'),
  min_rate_grace_ms: z
    .int()
    .min(100)
    .max(600_000)
    .default(5000)
    .describe('How long a client may be slower than the two minimum rates, in milliseconds, before that counts.'),
  idle_timeout_ms: z
    .int()
    .min(1000)
    .max(86_400_000)
    .default(900_000)
    .describe('How long an HTTP/2 connection may be without streams and PINGs, in milliseconds; then GOAWAY.'),
  max_connection_age_ms: z
    .int()
    .min(0)
    .max(86_400_000)
    .default(0)
    .describe(
      'How old a connection may become, in milliseconds, give or take a tenth: then GOAWAY, or `connection: close` with the next answer, so that load spreads over replicas that are new; 0 for no limit. Ten minutes are enough behind a load balancer that passes TCP through.',
    ),
  max_connection_age_grace_ms: z
    .int()
    .min(0)
    .max(86_400_000)
    .default(0)
    .describe(
      'How long a connection may take to go when it has reached `max_connection_age_ms`, in milliseconds; then it is cut. 0 for as long as its streams last.',
    ),
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
  per_connection: perConnection
    .prefault({})
    .describe(
      "What one connection may do in a second, ten seconds' worth at once, 0 for no limit; not for peers in `trusted_proxies` and internal listeners, which carry many clients.",
    ),
  per_address: perAddress
    .prefault({})
    .describe(
      'What one address may do over all its connections, likewise; only reported for private peers while `trusted_proxies` is empty and `limiter.untrusted_private_peers` is `shadow`.',
    ),
  ban_s: z
    .int()
    .min(0)
    .max(86_400)
    .default(0)
    .describe(
      'How long new connections of an address are closed at once after it was over a budget, in seconds, twice as long for each time in a row, up to an hour; 0 for never. Off, because many people may share an address.',
    ),
});

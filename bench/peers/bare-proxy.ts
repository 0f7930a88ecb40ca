/**
 * The least that a proxy of HTTP/2 on Node's own http2 can do: a stream is piped to a stream, and back, with its
 * trailers. No routes, no limits, no log, no header hygiene, no errors: the floor that the gateway is compared with.
 * `node bench/peers/bare-proxy.ts PORT UPSTREAM_PORT CERTIFICATE_FILE KEY_FILE`.
 */

import { readFileSync } from 'node:fs';
import http2, { type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';

const [port, upstreamPort, certificate, key] = process.argv.slice(2) as [string, string, string, string];

const upstream = http2.connect(`http://127.0.0.1:${upstreamPort}`);
const server = http2.createSecureServer({ cert: readFileSync(certificate), key: readFileSync(key) });

server.on('stream', (down: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
  const up = upstream.request(headers);
  up.on('response', (answer) => {
    // Without trailers the end of the answer would be a frame of its own; gRPC needs them.
    down.respond(answer, { waitForTrailers: true });
    let trailers: IncomingHttpHeaders = {};
    up.on('trailers', (came) => {
      trailers = came;
    });
    down.on('wantTrailers', () => down.sendTrailers(trailers));
    up.pipe(down);
  });
  down.pipe(up);
  down.on('error', () => up.close());
  down.on('close', () => up.close());
  up.on('error', () => down.close());
});
server.listen(Number(port), '127.0.0.1');

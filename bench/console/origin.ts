/**
 * The origin as a process: `node origin.ts ROOT PORT CODED_PORT`. Both ports speak HTTP/1.1 and HTTP/2 in the clear and
 * send ZITADEL's headers; the second one answers in gzip 9 where asked to, as an origin with compressed files would.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheHeaders, LIFETIMES } from '../../src/demo/caching.ts';
import { Listener } from '../../src/demo/listener.ts';
import { consolePolicy, securityHeaders } from '../../src/demo/security.ts';
import { site } from './site.ts';

const [root, port, codedPort] = process.argv.slice(2);
const files = new Map(
  site().files.map((file) => {
    const coded = join(root!, `${file.name}.gz`);
    return [file.path, { ...file, gzip: existsSync(coded) ? readFileSync(coded) : undefined }];
  }),
);

async function listen(at: number, coded: boolean): Promise<void> {
  await Listener.open({
    host: '127.0.0.1',
    port: at,
    tls: undefined,
    maxConcurrentStreams: 250,
    onRequest(request, reply) {
      const file = files.get(request.url ?? '');
      if (file === undefined) return void reply.writeHead(404, { 'cache-control': 'no-store' }).end();
      const lifetime = file.path.endsWith('/') ? LIFETIMES.short : LIFETIMES.long;
      const authority = (request.headers[':authority'] as string | undefined) ?? request.headers.host ?? '';
      const gzip = coded && /\bgzip\b/.test(request.headers['accept-encoding'] ?? '') ? file.gzip : undefined;
      const body = gzip ?? file.body;
      reply.writeHead(200, {
        'content-type': file.type,
        'accept-ranges': 'bytes',
        'content-length': body.length,
        ...(coded && { vary: 'accept-encoding' }),
        ...(gzip && { 'content-encoding': 'gzip' }),
        ...securityHeaders(consolePolicy(authority)),
        ...cacheHeaders(lifetime, new Date()),
      });
      reply.end(request.method === 'HEAD' ? undefined : body);
    },
  });
}

await listen(Number(port), false);
await listen(Number(codedPort), true);

/**
 * The bare server as a process: `node bare-server.ts ROOT PORT KEY CERTIFICATE`. Brotli 11, and every field that the gateway
 * sends of a stored answer, ZITADEL's among them: what is compared is the work, not the length of the heads.
 */

import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import http2 from 'node:http2';
import { join } from 'node:path';
import { cacheHeaders, LIFETIMES } from '../../../src/demo/caching.ts';
import { consolePolicy, securityHeaders } from '../../../src/demo/security.ts';
import { site } from '../site.ts';

const [root, port, key, certificate] = process.argv.slice(2);
const { files } = site();
/** What ZITADEL says of every file, and the gateway keeps. */
const kept = Object.entries({
  ...securityHeaders(consolePolicy(`127.0.0.1:${port}`)),
  ...cacheHeaders(LIFETIMES.long, new Date()),
}).flatMap(([name, value]) => [name, String(value)]);
const answers = new Map(
  files.map((file) => {
    const name = join(root!, `${file.name}.br`);
    const coded = existsSync(name);
    const body = coded ? readFileSync(name) : file.body;
    const digest = createHash('sha256').update(file.body).digest('base64url').slice(0, 22);
    const fields = [':status', '200', 'content-type', file.type, ...kept, 'etag', `"${digest}${coded ? '-br' : ''}"`];
    if (coded) fields.push('content-encoding', 'br');
    if (!/^(?:image\/(?!svg)|font\/)/.test(file.type)) fields.push('vary', 'accept-encoding');
    fields.push('accept-ranges', 'bytes', 'content-length', String(body.length), 'age', '10');
    fields.push('cache-status', 'gatehouse; hit; ttl=3590');
    return [file.path, { fields, body }];
  }),
);

const server = http2.createSecureServer({ key: readFileSync(key!), cert: readFileSync(certificate!) });
server.on('stream', (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
  stream.on('error', () => {});
  const answer = answers.get(headers[':path'] ?? '');
  if (answer === undefined) return void stream.respond({ ':status': 404 }, { endStream: true });
  // A list of its own for each answer: `respond` adds the date to it.
  stream.respond([...answer.fields, 'x-request-id', randomUUID()]);
  stream.end(answer.body);
});
server.on('sessionError', () => {});
server.listen(Number(port), '127.0.0.1');
process.once('SIGTERM', () => process.exit(0));

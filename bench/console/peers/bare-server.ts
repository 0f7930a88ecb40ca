/** The bare server as a process: `node bare-server.ts ROOT PORT KEY CERTIFICATE`. Brotli 11, but the small file as it is. */

import { existsSync, readFileSync } from 'node:fs';
import http2 from 'node:http2';
import { join } from 'node:path';
import { site } from '../site.ts';

const [root, port, key, certificate] = process.argv.slice(2);
const { files, small } = site();
const answers = new Map(
  files.map((file) => {
    const name = join(root!, `${file.name}.br`);
    const coded = file !== small && existsSync(name);
    const body = coded ? readFileSync(name) : file.body;
    const fields = [':status', '200', 'content-type', file.type, 'content-length', String(body.length)];
    if (coded) fields.push('content-encoding', 'br');
    return [file.path, { fields, body }];
  }),
);

const server = http2.createSecureServer({ key: readFileSync(key!), cert: readFileSync(certificate!) });
server.on('stream', (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
  stream.on('error', () => {});
  const answer = answers.get(headers[':path'] ?? '');
  if (answer === undefined) return void stream.respond({ ':status': 404 }, { endStream: true });
  // A list of its own for each answer: `respond` adds the date to it.
  stream.respond(answer.fields.slice());
  stream.end(answer.body);
});
server.on('sessionError', () => {});
server.listen(Number(port), '127.0.0.1');
process.once('SIGTERM', () => process.exit(0));

/** The origin of the suite, on a free port of loopback; its own server would take that port on every interface. */

import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { load } from './suite.ts';

type Handler = (segments: string[], request: http.IncomingMessage, response: http.ServerResponse) => void;

const handlers = new Map<string, Handler>();
for (const name of ['config', 'test', 'state'])
  handlers.set(name, (await load<{ default: Handler }>(`server/handle-${name}.mjs`)).default);

const server = http.createServer((request, response) => {
  const [first, ...segments] = new URL(request.url!, 'http://origin.test').pathname.split('/').slice(1);
  const handler = handlers.get(first!);
  if (handler !== undefined) handler(segments, request, response);
  else response.writeHead(404).end();
});
server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit());

/** What a line of the access log costs: from the record of an exchange to bytes that are handed to the outlet. */

import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { Events } from '../../src/core/events.ts';
import type { OpenExchange } from '../../src/gateway/exchange.ts';
import { accessLog } from '../../src/telemetry/access-log.ts';
import { createLog, type LogOptions } from '../../src/telemetry/log.ts';
import type { Outlet } from '../../src/telemetry/outlet.ts';
import { type Case, measured } from './case.ts';
import { endedExchange } from './exchanges.ts';
import { BROWSER_FIELDS, GRPC_FIELDS } from './requests.ts';

/** Lines of one turn of the event loop leave in one write; so many are what a busy gateway has in one. */
const LINES = 64;

const usual = endedExchange({ method: 'POST', target: '/zitadel.user.v2.UserService/ListUsers', fields: GRPC_FIELDS });
usual.record.grpcStatus = '0';
const secretive = endedExchange({
  method: 'GET',
  target:
    '/ui/v2/login/callback?code=abc123def456&state=9f8e7d&redirect_uri=https%3A%2F%2Fapp.example.com%2F%3Ftoken%3Dx',
  fields: BROWSER_FIELDS,
});

function logging(name: string, exchange: OpenExchange, format: LogOptions['format'], shows: RegExp): Case {
  let bytes = 0;
  let last: Uint8Array = new Uint8Array();
  const outlet: Outlet = {
    terminal: false,
    write(chunk, done) {
      bytes += chunk.length;
      last = chunk;
      done(chunk.length);
    },
    writeNow: (chunk) => chunk.length,
    release() {},
  };
  const events = new Events();
  const log = createLog({ destination: outlet, ...(format !== undefined && { format }) });
  accessLog(events, log);
  const ended = { exchange, record: exchange.record };
  return measured(
    name,
    async () => {
      bytes = 0;
      for (let i = 0; i < LINES; i += 1) events.emit('exchange', ended);
      await setImmediate();
      return bytes;
    },
    (written) => {
      const text = Buffer.from(last).toString();
      assert.equal(log.dropped(), 0);
      assert.ok(written > LINES * 100, `${written} bytes`);
      assert.match(text, shows);
      assert.doesNotMatch(text, /abc123def456/);
    },
    LINES,
  );
}

const silent = ((): Case => {
  const events = new Events();
  const nobody: Outlet = {
    terminal: false,
    write: (chunk, done) => done(chunk.length),
    writeNow: () => 0,
    release() {},
  };
  const log = createLog({ destination: nobody, level: 'error' });
  accessLog(events, log);
  const ended = { exchange: usual, record: usual.record };
  return measured(
    'below the level, no line',
    () => events.emit('exchange', ended),
    () => assert.equal(log.enabled('info'), false),
  );
})();

export const cases: readonly Case[] = [
  logging('JSON', usual, 'json', /"grpc_status":0,.*"user_agent":"grpc-node-js/),
  logging('JSON, secrets in the query', secretive, 'json', /code=\[redacted\]/),
  logging('for people', usual, 'pretty', /ListUsers 200 grpc 0 4\.1 ms/),
  silent,
];

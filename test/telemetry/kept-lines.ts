import { Writable } from 'node:stream';
import { createLog, type LogOptions } from '../../src/telemetry/log.ts';
import type { Log } from '../../src/telemetry/log-contract.ts';
import { HandClock } from '../support/hand-clock.ts';

/** A line of the JSON form. */
export type Line = Record<string, unknown> & { level: string; event?: string; msg?: string };

/** A log that keeps what is written; `lines` closes it first. */
export function keptLog(options: LogOptions = {}): {
  log: Log;
  clock: HandClock;
  text(): Promise<string>;
  lines(): Promise<Line[]>;
} {
  const chunks: Buffer[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
  const clock = new HandClock();
  const log = createLog({ format: 'json', destination, clock, ...options });
  async function text(): Promise<string> {
    await log.close(1000);
    return Buffer.concat(chunks).toString();
  }
  return {
    log,
    clock,
    text,
    async lines() {
      return (await text())
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Line);
    },
  };
}

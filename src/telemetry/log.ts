import type { Writable } from 'node:stream';
import { type DestinationStream, pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import type { LogLevel } from '../core/catalogue.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { Destination, PINO_METADATA } from './destination.ts';
import { linesDropped } from './lines.ts';
import type { Log, LogFields } from './log-contract.ts';
import { type Outlet, openOutlet, streamOutlet } from './outlet.ts';
import { createRedactor, type Redactor } from './redact.ts';

/** How the log is made. */
export interface LogOptions {
  /** Lines below it are not written. */
  readonly level?: LogLevel | 'silent';
  /** `auto`: for people on a terminal, JSON elsewhere. */
  readonly format?: 'auto' | 'json' | 'pretty';
  /** The most that waits for a reader that has stopped, in bytes. */
  readonly bufferBytes?: number;
  /** A file descriptor, a stream that the caller ends, or an outlet of another kind; stdout by default. */
  readonly destination?: number | Writable | Outlet;
  /** Fields of every line, as the number of a worker. */
  readonly base?: Record<string, string | number>;
  readonly redactor?: Redactor;
  readonly clock?: Clock;
}

/** How a line of JSON begins. */
const LEVEL = /^\{"level":"([a-z]+)"/;
const DEFAULT_BUFFER_BYTES = 1_048_576;

function timestamps(clock: Clock): () => string {
  let last = Number.NaN;
  let text = '';
  return () => {
    const now = clock.wall();
    if (now !== last) {
      last = now;
      text = new Date(now).toISOString();
    }
    return text;
  };
}

/** What pino writes to, where lines are for people; it takes part in the levels as the destination itself does. */
function prettyPrinted(destination: Destination, pretty: (line: string) => string): DestinationStream {
  return {
    [PINO_METADATA]: true,
    lastLevel: 0,
    write(this: { lastLevel: number }, line: string) {
      destination.write(pretty(line), this.lastLevel);
    },
  } as DestinationStream;
}

function jsonLine(head: string, fields: LogFields, message: string | undefined): string {
  const rest = JSON.stringify(fields);
  const middle = rest.length > 2 ? `,${rest.slice(1, -1)}` : '';
  return `${head}${middle}${message === undefined ? '' : `,"msg":${JSON.stringify(message)}`}}\n`;
}

/** Makes the log: a pino logger over a bounded destination that never makes anybody wait. */
export function createLog(options: LogOptions = {}): Log {
  const { clock = systemClock, base = {}, destination: target = 1, format = 'auto' } = options;
  const outlet = typeof target === 'number' ? openOutlet(target) : 'writeNow' in target ? target : streamOutlet(target);
  const destination = new Destination({
    outlet,
    maxBytes: options.bufferBytes ?? DEFAULT_BUFFER_BYTES,
    clock,
    onDropped: (lines) => linesDropped(log, { lines }),
  });
  const human = format === 'pretty' || (format === 'auto' && outlet.terminal);
  const pretty = prettyFactory({
    colorize: outlet.terminal && process.env.NO_COLOR === undefined,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'event',
    singleLine: true,
  });
  const now = timestamps(clock);
  const logger = pino(
    {
      level: options.level ?? 'info',
      base,
      formatters: { level: (label) => ({ level: label }) },
      timestamp: () => `,"time":"${now()}"`,
    },
    human ? prettyPrinted(destination, pretty) : destination,
  );
  const common = Object.keys(base).length === 0 ? '' : `,${JSON.stringify(base).slice(1, -1)}`;

  function onExit(): void {
    destination.writeNow();
  }
  process.on('exit', onExit);

  const log: Log = {
    logger,
    human,
    redactor: options.redactor ?? createRedactor(),
    clock,
    enabled: (level) => logger.isLevelEnabled(level),
    record(level, fields, message) {
      if (!logger.isLevelEnabled(level)) return;
      const line = human
        ? pretty({ level, time: now(), ...base, ...fields, msg: message })
        : jsonLine(`{"level":"${level}","time":"${now()}"${common}`, fields, message);
      destination.write(line, logger.levels.values[level]);
    },
    relay(text) {
      for (let from = 0; from < text.length; ) {
        const to = text.indexOf('\n', from) + 1 || text.length;
        const line = text.slice(from, to);
        // The level of lines for people is not known any more.
        destination.write(line, logger.levels.values[LEVEL.exec(line)?.[1] ?? 'info']);
        from = to;
      }
    },
    dropped: () => destination.dropped,
    close(deadlineMs) {
      process.off('exit', onExit);
      return destination.close(deadlineMs);
    },
  };
  return log;
}

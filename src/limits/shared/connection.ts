/**
 * A connection to Redis or Valkey that is never waited for: it is up and answers within the deadline, or it is down and
 * says so at once. What is down is tried again in the background, without end and without a queue.
 */

import { readFileSync } from 'node:fs';
import { createClient, type RedisClientOptions } from '@redis/client';
import type { Clock } from '../../core/clock.ts';
import { ADD, FORGET, type Script, TAKE } from './script.ts';
import type { ServerSettings } from './settings.ts';

/** Commands on their way; with more the server counts as down. */
const QUEUE = 10_000;
/** Between two tries: from here, doubling. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2000;

/** What the connection tells. */
export interface ConnectionEvents {
  readonly onUp: () => void;
  /** Once for each time it goes down; the reason, without secrets. */
  readonly onDown: (reason: string) => void;
}

type Options = RedisClientOptions<Record<never, never>, Record<never, never>, Record<never, never>, 2>;
type Client = ReturnType<typeof createClient<Record<never, never>, Record<never, never>, Record<never, never>, 2>>;

/** One connection of one thread; it begins to connect when it is made. */
export class Connection {
  readonly #settings: ServerSettings;
  readonly #options: Options;
  readonly #probe: readonly [keys: string[], args: string[]];
  readonly #clock: Clock;
  readonly #events: ConnectionEvents;
  readonly #first = Promise.withResolvers<string | undefined>();
  #client: Client | undefined;
  /** The client whose socket is not there yet. */
  #connecting: Client | undefined;
  #up = false;
  #told: boolean | undefined;
  #closed = false;
  #pauseMs = FIRST_PAUSE_MS;
  #lastError: string | undefined;
  #roundTrips = 0;

  /** Throws where the URL or the CA file cannot be read. */
  constructor(settings: ServerSettings, prefix: string, clock: Clock, events: ConnectionEvents) {
    this.#settings = settings;
    this.#options = clientOptions(settings);
    // A real charge of its own key: only a server that can write is up.
    this.#probe = [
      [`${prefix}:epoch`, `${prefix}:probe`],
      ['1000000', '1000', '1000000', '1', '0', '0', '0', '0', '0'],
    ];
    this.#clock = clock;
    this.#events = events;
    this.#connect();
  }

  /** Whether it is worth asking now. */
  get up(): boolean {
    return this.#up;
  }

  get lastError(): string | undefined {
    return this.#lastError;
  }

  get roundTrips(): number {
    return this.#roundTrips;
  }

  /** How the first try ended: with a reason, or undefined where it is up. Never rejects. */
  get firstTry(): Promise<string | undefined> {
    return this.#first.promise;
  }

  /** Runs a script: all calls of one tick leave together. Rejects at once where there is no connection. */
  async run(script: Script, keys: readonly string[], args: readonly string[]): Promise<number[]> {
    const client = this.#client;
    if (client === undefined) throw new Error('not connected');
    this.#roundTrips += 1;
    const rest = [String(keys.length), ...keys, ...args];
    try {
      return (await client.sendCommand(['EVALSHA', script.sha, ...rest])) as unknown as number[];
    } catch (error) {
      // The server was started anew, or its scripts were flushed.
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      this.#roundTrips += 1;
      return (await client.sendCommand(['EVAL', script.text, ...rest])) as unknown as number[];
    }
  }

  /** An answer failed or did not come: nobody waits any more until a probe is answered in time. */
  failed(reason: string): void {
    if (!this.#up || this.#closed) return;
    this.#down(reason);
    if (this.#client !== undefined) this.#ask(this.#client);
  }

  /** Ends it; what is on its way is rejected. */
  close(): void {
    this.#closed = true;
    this.#up = false;
    this.#drop();
    this.#first.resolve('closed');
  }

  #connect(): void {
    if (this.#closed) return;
    const client: Client = createClient(this.#options);
    this.#client = client;
    // Reported by `terminated` and the promise; an unheard 'error' would end the process.
    client.on('error', () => {});
    client.on('terminated', (error: unknown) => this.#lost(client, error));
    client.once('connect', () => {
      this.#connecting = undefined;
      if (client !== this.#client) client.destroy();
    });
    this.#connecting = client;
    // The library's own time-out ends with TCP: a server that accepts and never says a word is ended here.
    const cancel = this.#clock.after(this.#settings.connect_timeout_ms, () =>
      this.#lost(client, new Error(`not ready within ${this.#settings.connect_timeout_ms} ms`)),
    );
    client.connect().then(
      () => {
        cancel();
        if (client !== this.#client) return;
        // Loaded before they are needed, so that calls keep their order; where that is forbidden `run` sends the text.
        for (const { text } of [TAKE, ADD, FORGET]) client.sendCommand(['SCRIPT', 'LOAD', text]).catch(() => {});
        this.#ask(client);
      },
      (error: unknown) => {
        cancel();
        this.#lost(client, error);
      },
    );
  }

  /** Probes: up when the answer comes within the deadline, asked again after a pause when it comes late. */
  #ask(client: Client): void {
    const { connect_timeout_ms, deadline_ms } = this.#settings;
    const sent = this.#clock.now();
    const cancel = this.#clock.after(connect_timeout_ms, () =>
      this.#lost(client, new Error(`no answer within ${connect_timeout_ms} ms`)),
    );
    const again = (reason: string): void => {
      cancel();
      if (client !== this.#client) return;
      this.#down(reason);
      this.#later(() => {
        if (client === this.#client) this.#ask(client);
      });
    };
    this.run(TAKE, ...this.#probe).then(
      () => {
        const tookMs = this.#clock.now() - sent;
        if (tookMs > deadline_ms) {
          again(`answers in ${tookMs.toFixed(1)} ms, deadline_ms is ${deadline_ms}`);
          return;
        }
        cancel();
        if (client !== this.#client) return;
        this.#up = true;
        this.#pauseMs = FIRST_PAUSE_MS;
        this.#lastError = undefined;
        this.#first.resolve(undefined);
        if (this.#told !== true) this.#events.onUp();
        this.#told = true;
      },
      (error: unknown) => again(said(error)),
    );
  }

  #lost(client: Client, error: unknown): void {
    if (client !== this.#client) return;
    this.#drop();
    this.#down(said(error));
    this.#later(() => this.#connect());
  }

  #drop(): void {
    const client = this.#client;
    this.#client = undefined;
    // Destroyed while its socket connects, a client of @redis/client 6.3 keeps it for ever, and the process with it:
    // then it is destroyed as soon as the socket is there. Where none comes it ends by itself.
    if (client !== this.#connecting) client?.destroy();
  }

  #down(reason: string): void {
    this.#up = false;
    this.#lastError = reason;
    this.#first.resolve(reason);
    if (this.#told !== false) this.#events.onDown(reason);
    this.#told = false;
  }

  #later(work: () => void): void {
    if (this.#closed) return;
    this.#clock.after(this.#pauseMs, work);
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
  }
}

/** Short, and without what was sent. */
function said(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  // Long commands meet this one before NOAUTH.
  if (/^(?:WRONGPASS|ERR invalid password|NOAUTH|ERR Protocol error: unauthenticated)/.test(text)) {
    return `the server refused the login: check username and password (${text.slice(0, 120)})`;
  }
  // AggregateError of Happy Eyeballs has no text of its own.
  if (error instanceof AggregateError && error.errors.length > 0)
    return error.errors.map(said).join('; ').slice(0, 300);
  return text.slice(0, 300);
}

function clientOptions({ url, username, password, ca_file }: ServerSettings): Options {
  const { protocol, hostname, port, pathname, searchParams } = new URL(url);
  const database = Number(protocol === 'unix:' ? (searchParams.get('db') ?? 0) : pathname.slice(1) || 0);
  const retry = { reconnectStrategy: false } as const;
  const host = hostname.replace(/^\[(.*)\]$/, '$1') || 'localhost';
  const tcp = { host, port: Number(port) || 6379, ...retry };
  return {
    socket:
      protocol === 'unix:'
        ? { path: decodeURIComponent(pathname), ...retry }
        : protocol === 'rediss:'
          ? { ...tcp, tls: true, ...(ca_file !== undefined && { ca: readFileSync(ca_file) }) }
          : tcp,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(database > 0 && { database }),
    RESP: 2,
    maintNotifications: 'disabled',
    disableClientInfo: true,
    disableOfflineQueue: true,
    commandsQueueMaxLength: QUEUE,
    // The deadline is ours: the library's would be one more timer for each command.
    commandOptions: { timeout: 0 },
  };
}

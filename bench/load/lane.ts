/** A place for one connection after the other: opens it when it is needed and again when it has ended. */

import type { Call } from './call.ts';
import { type Connection, type Listener, openConnection } from './connection.ts';
import type { Plan } from './plan.ts';

/** After a connection could not be opened: how long until the next try, in milliseconds. */
const PAUSE_MS = 100;

/** What a lane tells of its calls. */
export interface LaneListener {
  answered(call: Call, lane: Lane): void;
  failed(call: Call, why: string, lane: Lane): void;
}

/** One lane. */
export class Lane {
  readonly #plan: Plan;
  readonly #listener: LaneListener;
  readonly #waiting: Call[] = [];
  #connection: Connection | undefined;
  #opening = false;
  #closed = false;
  /** Calls of this connection so far. */
  #used = 0;
  #session: Buffer | undefined;
  /** Connections opened so far. */
  opened = 0;

  constructor(plan: Plan, listener: LaneListener) {
    this.#plan = plan;
    this.#listener = listener;
  }

  /** Calls that are with it: on their way or waiting for room. */
  get load(): number {
    return this.#waiting.length + (this.#connection?.inFlight ?? 0);
  }

  submit(call: Call): void {
    this.#waiting.push(call);
    this.#pump();
  }

  /** Gives up what was due before a time. */
  expire(before: number): void {
    this.#connection?.expire(before);
    while (this.#waiting.length > 0 && this.#waiting[0]!.due < before) {
      this.#listener.failed(this.#waiting.shift()!, 'timeout', this);
    }
  }

  close(): void {
    this.#closed = true;
    this.#connection?.close();
  }

  #pump(): void {
    const limit = this.#plan.lines.requestsPerConnection;
    while (this.#waiting.length > 0 && !this.#closed) {
      const connection = this.#connection;
      if (connection === undefined || connection.over) {
        if (!this.#opening) void this.#open();
        return;
      }
      if (limit > 0 && this.#used >= limit) {
        if (connection.inFlight > 0) return;
        connection.close();
        this.#connection = undefined;
        continue;
      }
      if (connection.room <= 0) return;
      this.#used += 1;
      connection.send(this.#waiting.shift()!);
    }
  }

  async #open(): Promise<void> {
    const { target, lines, timeoutMs } = this.#plan;
    this.#opening = true;
    const listener: Listener = {
      answered: (call) => {
        this.#closeUsed();
        this.#listener.answered(call, this);
        this.#pump();
      },
      failed: (call, why, unprocessed) => {
        if (unprocessed) this.submit(call.again());
        else this.#listener.failed(call, why, this);
      },
      changed: () => this.#pump(),
    };
    const keep = (session: Buffer): void => {
      this.#session = session;
    };
    const onSession = lines.resume ? keep : undefined;
    const session = lines.resume ? this.#session : undefined;
    try {
      const opened = await openConnection({ target, streams: lines.streams, session, timeoutMs, onSession }, listener);
      if (session !== undefined && !opened.resumed) {
        opened.connection.close();
        throw new Error('handshake: the session was not resumed');
      }
      this.opened += 1;
      this.#connection = opened.connection;
      this.#used = 0;
      if (this.#closed) opened.connection.close();
    } catch (error) {
      this.#session = undefined;
      for (const call of this.#waiting.splice(0)) this.#listener.failed(call, (error as Error).message, this);
      // At once again would be a load of its own.
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    this.#opening = false;
    this.#pump();
  }

  /** As a browser does that has seen the page: the connection is closed where its work ends, not where the next begins. */
  #closeUsed(): void {
    const limit = this.#plan.lines.requestsPerConnection;
    if (limit === 0 || this.#used < limit || this.#connection === undefined || this.#connection.inFlight > 0) return;
    // Tickets of TLS 1.3 come after the handshake: with the first answer at the latest.
    this.#connection.close();
    this.#connection = undefined;
  }
}

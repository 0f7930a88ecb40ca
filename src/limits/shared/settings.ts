/** How the shared tier is set, as the config writes it. Times are milliseconds. */

/** Where the server is, and how to get in. */
export interface ServerSettings {
  /** `redis://host:port/db`, `rediss://…` or `unix:/path`; without credentials. */
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** PEM file with the CAs of a `rediss:` server. */
  readonly ca_file?: string | undefined;
  /** For connecting with TLS and login, and for an answer to a probe. */
  readonly connect_timeout_ms: number;
  /** How long an answer may take. */
  readonly deadline_ms: number;
}

/** All of it. */
export interface SharedTierSettings extends ServerSettings {
  readonly mode: 'sync' | 'delta';
  readonly interval_ms: number;
  readonly on_error: 'local' | 'allow' | 'deny';
  readonly prefix: string;
}

/** What is told about the tier. */
export interface SharedTierStatus {
  readonly connected: boolean;
  readonly mode: 'sync' | 'delta';
  readonly last_error: string | undefined;
  /** Scripts that were sent. */
  readonly round_trips: number;
  /** Answers that did not come in time. */
  readonly timeouts: number;
  /** Requests that were decided by `on_error`. */
  readonly fallbacks: number;
  /** Mode `delta`: counts that the server was not told, because it was down for too long. */
  readonly dropped: number;
}

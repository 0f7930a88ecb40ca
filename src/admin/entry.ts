/** What an operator's request looks like to an entry. */
export interface AdminRequest {
  readonly query: Readonly<Record<string, string | string[] | undefined>>;
  /** Named parts of the path. */
  readonly params: Readonly<Record<string, string | undefined>>;
  /** The body as text; empty where there is none. */
  readonly body: string;
  /**
   * Whether an operator asks: on loopback without a token everybody is one, else a valid token says so. For entries that
   * say more to operators than to everybody. Throws UNAUTHORIZED for a wrong token, TOO_MANY_REQUESTS after several.
   */
  byOperator(): Promise<boolean>;
}

/** What an entry answers. */
export interface AdminAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** One path of the admin listener: a file that makes one, and one item in `entries/index.ts`. */
export interface Entry {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  /** `everyone`: probes; `scrapers`: operators, and addresses that may read metrics; `operators`. */
  readonly access: 'everyone' | 'scrapers' | 'operators';
  answer(request: AdminRequest): AdminAnswer | Promise<AdminAnswer>;
}

/** A request that nobody has sent. */
export interface ExplainQuestion {
  readonly method: string;
  readonly url: string;
  readonly ip: string;
  /** `name:value`. */
  readonly headers: readonly string[];
  readonly listener: string | undefined;
}

/** What is to be thrown away: everything, one URL, or all of a host or what begins with a prefix of the path there. */
export type CachePurge =
  | { readonly all: true }
  | { readonly url: string }
  | { readonly host: string; readonly prefix?: string };

/** Which stored answers are listed. */
export interface CacheQuestion {
  readonly host?: string;
  /** The beginning of a path. */
  readonly prefix?: string;
  readonly limit: number;
  /** `next` of the page before. */
  readonly after?: string;
}

/** The cache, as operators see it. */
export interface CacheSource {
  /** How full it is, its hit ratio in all and by route, the fills under way, the disk. */
  summary(): unknown;
  /** Throws, or rejects with, a RangeError that says what is wrong with the question. */
  entries(question: CacheQuestion): unknown;
  /**
   * Throws away; rejects with a RangeError that says what is wrong with the order. `disk` is false where the disk failed
   * and what was purged may come back after a restart; undefined where nothing is kept on disk.
   */
  purge(order: CachePurge): Promise<{ readonly purged: number; readonly disk: boolean | undefined }>;
}

/** The functions that the listener is handed; it knows nothing of what is behind them. What is `unknown` may be a promise. */
export interface AdminSources {
  /** Whether traffic may come, and why not, for people. */
  ready(): { readonly ok: boolean; readonly details: unknown };
  /** Metrics as text, and its media type. */
  readonly metrics: { text(): Promise<string>; readonly contentType: string };
  /** The effective config with its secrets taken out. */
  config(): unknown;
  upstreams(): unknown;
  /** How the gateway is, in one answer. */
  status(): unknown;
  /** The certificates in use, and what is wrong with their files. */
  certificates(): unknown;
  /** How full the limiter's tables are, and how the shared tier is. */
  limits(): unknown;
  /** The keys that ask most, secrets in them only as hashes. */
  hottestKeys(most: number): unknown;
  bans(): unknown;
  /** False where no ban has the id. */
  liftBan(id: string): boolean;
  /** Absent where there is no cache. */
  readonly cache?: CacheSource;
  /** What would happen to a request, for people; rejects with what is wrong with the question. */
  explain(question: ExplainQuestion): Promise<string>;
  /** Reads the config again; rejects with a message of one problem a line. Absent where there is nothing to read again. */
  readonly reload?: () => Promise<unknown>;
  /** What is read again, when it was read last, and what was wrong with it. */
  readonly reloads?: () => unknown;
  /** Turns readiness off, or on again. Absent where there is nothing to drain. */
  readonly drain?: (wanted: boolean) => void;
}

/** An answer in JSON, indented: people read it too. */
export function jsonAnswer(status: number, value: unknown): AdminAnswer {
  return { status, type: 'application/json; charset=utf-8', body: `${JSON.stringify(value, null, 2)}\n` };
}

/** An answer of one line. */
export function textAnswer(status: number, line: string): AdminAnswer {
  return { status, type: 'text/plain; charset=utf-8', body: `${line}\n` };
}

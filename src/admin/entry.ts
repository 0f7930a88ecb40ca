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

/** The functions that the listener is handed; it knows nothing of what is behind them. */
export interface AdminSources {
  /** Whether traffic may come, and why not, for people. */
  ready(): { readonly ok: boolean; readonly details: unknown };
  /** Metrics as text, and its media type. */
  readonly metrics: { text(): Promise<string>; readonly contentType: string };
  /** The effective config with its secrets taken out. */
  config(): unknown;
  upstreams(): unknown;
  /** How full the limiter's tables are, and how the shared tier is. */
  limits(): unknown;
  /** The keys that ask most, secrets in them only as hashes. */
  hottestKeys(most: number): unknown;
  bans(): unknown;
  /** False where no ban has the id. */
  liftBan(id: string): boolean;
  /** What would happen to a request, for people; rejects with what is wrong with the question. */
  explain(question: ExplainQuestion): Promise<string>;
  /** Reads the config again; rejects with a message of one problem a line. Absent where there is nothing to read again. */
  readonly reload?: () => Promise<unknown>;
}

/** An answer in JSON, indented: people read it too. */
export function jsonAnswer(status: number, value: unknown): AdminAnswer {
  return { status, type: 'application/json; charset=utf-8', body: `${JSON.stringify(value, null, 2)}\n` };
}

/** An answer of one line. */
export function textAnswer(status: number, line: string): AdminAnswer {
  return { status, type: 'text/plain; charset=utf-8', body: `${line}\n` };
}

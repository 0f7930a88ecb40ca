import { Assets } from './assets.ts';
import { Console } from './console/console.ts';
import type { DomainRules } from './domain.ts';
import { type Failure, Failures } from './failures.ts';
import { Ledger, type RequestRecord } from './ledger.ts';
import { type KeyPair, Listener } from './listener.ts';
import { Rest } from './rest/rest.ts';
import { Dispatch } from './rpc/dispatch.ts';
import { Health, HealthService } from './rpc/health.ts';
import { reflectionServices } from './rpc/reflection.ts';
import { own, Rpc } from './rpc/rpc.ts';
import { zitadelServices } from './rpc/services.ts';
import { StreamService, streamService } from './rpc/stream-service.ts';
import { Grants } from './signin/grants.ts';
import { SigningKey } from './signin/keys.ts';
import { Login } from './signin/login.ts';
import { Oidc } from './signin/oidc.ts';
import { Saml } from './signin/saml.ts';
import { Site } from './site.ts';
import { State } from './state.ts';
import { Visit } from './visit.ts';

/** How a stand-in for ZITADEL is set up. Nothing is needed. */
export interface StandInOptions {
  /** Address to bind: 127.0.0.1 when left out. */
  readonly host?: string;
  /** Port to bind: any free one when left out. */
  readonly port?: number;
  /** Serves TLS with HTTP/2 and HTTP/1.1 by ALPN instead of cleartext (`TLS.Enabled`). */
  readonly tls?: KeyPair;
  /** Domains of the instance. Every host is one when left out. */
  readonly domains?: readonly string[];
  /** Domains that may be public hosts besides the instance's own. */
  readonly trustedDomains?: readonly string[];
  /** `ExternalDomain`: the first of the domains, or localhost, when left out. */
  readonly externalDomain?: string;
  /** `ExternalSecure`, true when left out: all links are https, whatever the headers say. */
  readonly externalSecure?: boolean;
  /** Sends sign-ins to Login v2 instead of Login v1. */
  readonly loginV2?: boolean;
  /** `OIDC.JWKSCacheControlMaxAge` in seconds, 300 when left out. */
  readonly jwksMaxAgeS?: number;
  /** Whether /debug/metrics is there, true when left out. */
  readonly metrics?: boolean;
  /** Whether REST errors hang where TE arrives, true when left out. */
  readonly hangOnTe?: boolean;
  /** SETTINGS_MAX_CONCURRENT_STREAMS, 250 when left out. */
  readonly maxConcurrentStreams?: number;
  /** How many request records are kept, 1000 when left out. */
  readonly keepRecords?: number;
  /** Told of each request when its head has come, before anything is done with it. */
  readonly onRequest?: (record: RequestRecord) => void;
  readonly now?: () => Date;
}

/** A running stand-in for ZITADEL. */
export interface StandIn extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** `http://127.0.0.1:12345`, or https. */
  readonly url: string;
  /** What it received, oldest first, up to `keepRecords`. */
  readonly requests: readonly RequestRecord[];
  /** The first record that fits, now or later. */
  waitFor(predicate: (record: RequestRecord) => boolean, signal?: AbortSignal): Promise<RequestRecord>;
  /** HTTP/2 sessions accepted since the start. */
  readonly sessions: number;
  /** HTTP/2 sessions that are open. */
  readonly openSessions: number;
  /** Connections that are open, of either protocol. */
  readonly openConnections: number;
  /** Wrong passwords and codes so far, by login name. */
  readonly wrongAttempts: ReadonlyMap<string, number>;
  /** Password-reset mails set off by GET. */
  readonly resetMails: number;
  /** Begins to fail in a way, on top of those that are under way. */
  fail(failure: Failure): Promise<void>;
  /** Ends all failures. */
  heal(): Promise<void>;
  /** Takes no more connections; those that are open go on, as in the 5 seconds that ZITADEL has after SIGTERM. */
  stopListening(): void;
  /** Stops at once: connections are cut, no GOAWAY is sent. */
  close(): Promise<void>;
}

/** Starts a stand-in for ZITADEL on one port. */
export async function startStandIn(options: StandInOptions = {}): Promise<StandIn> {
  const host = options.host ?? '127.0.0.1';
  const now = options.now ?? (() => new Date());
  const externalSecure = options.externalSecure ?? true;
  const loginV2 = options.loginV2 ?? false;
  const domains = options.domains ?? [];
  const rules: DomainRules = {
    domains,
    trustedDomains: options.trustedDomains ?? [],
    externalDomain: options.externalDomain ?? domains[0] ?? 'localhost',
    externalSecure,
  };

  const services = await zitadelServices();
  const state = new State(now);
  const dispatch = new Dispatch(services, rules, state);
  const health = new Health(services.map(({ typeName }) => typeName));
  const reflected = [...services, HealthService, StreamService];
  const ownServices = [
    own(HealthService, health.implementation()),
    own(StreamService, streamService),
    ...reflectionServices(reflected),
  ];
  const key = new SigningKey(state.newId());
  const grants = new Grants(state, key);
  const login = new Login({ state, grants, externalSecure });
  const ledger = new Ledger(options.keepRecords ?? 1000);

  const onVisit = async (visit: Visit) => {
    const record = ledger.open(visit);
    options.onRequest?.(record);
    if (!(await failures.meet(visit, record))) await site.answer(visit);
  };
  const listener = await Listener.open({
    host,
    port: options.port ?? 0,
    tls: options.tls,
    maxConcurrentStreams: options.maxConcurrentStreams ?? 250,
    onRequest: (request, reply, connection) => {
      const visit = new Visit(request, reply, connection);
      // A cut body has nobody to answer to; anything else is like a panic in ZITADEL, which gives a 500 as text.
      onVisit(visit).catch((reason: unknown) => {
        if (visit.gone || visit.reply.headersSent) visit.reset();
        else visit.error(500, `stand-in: ${reason}`);
      });
    },
  });
  const failures = new Failures(listener);
  failures.onReady = (ready) => {
    health.serving = ready;
  };
  const site = new Site({
    rules,
    now,
    probed: { ledger, unready: () => failures.unready, metrics: options.metrics ?? true },
    rpc: new Rpc({ dispatch, own: ownServices, externalSecure, now }),
    rest: new Rest({ dispatch, externalSecure, hangOnTe: options.hangOnTe ?? true }),
    oidc: new Oidc({ state, grants, key, externalSecure, jwksMaxAgeS: options.jwksMaxAgeS ?? 300, loginV2 }),
    saml: new Saml(state, loginV2),
    login,
    assets: new Assets(now),
    console: new Console(rules, now),
  });

  const scheme = options.tls ? 'https' : 'http';
  return {
    host,
    port: listener.port,
    url: `${scheme}://${host.includes(':') ? `[${host}]` : host}:${listener.port}`,
    requests: ledger.records,
    waitFor: (predicate, signal) => ledger.waitFor(predicate, signal),
    get sessions() {
      return listener.sessions;
    },
    get openSessions() {
      return listener.openSessions;
    },
    get openConnections() {
      return listener.connections.size;
    },
    wrongAttempts: state.wrongAttempts,
    get resetMails() {
      return login.resetMails;
    },
    fail: (failure) => failures.begin(failure),
    heal: () => failures.heal(),
    stopListening: () => listener.stopListening(),
    close: () => listener.stop(),
    [Symbol.asyncDispose]: () => listener.stop(),
  };
}

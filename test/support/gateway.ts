/** A gateway in this process, on free loopback ports, that remembers what it announced. */

import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { z } from 'zod';
import { type Config, configSchema } from '../../src/config/schema.ts';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { Events, type GatewayEvents } from '../../src/core/events.ts';
import type { AccessRecord, Exchange } from '../../src/core/exchange.ts';
import { Primary } from '../../src/process/primary.ts';
import { developmentCertificate } from '../../src/transport/development-certificate.ts';
import { TEST_ENGINE, TEST_UPSTREAM_ENGINE } from './engine.ts';
import { Lookout } from './lookout.ts';

export interface GatewayOptions {
  /** `host:port` of the stand-in for ZITADEL, or a whole upstream. */
  readonly zitadel?: string | z.input<typeof configSchema>['upstreams'][string];
  readonly login?: string;
  /** Laid over a config with a TLS listener `public`, a cleartext one `clear`, and the preset. */
  readonly config?: Partial<z.input<typeof configSchema>>;
  readonly clock?: Clock;
  /** The program of workers. */
  readonly workerScript?: URL;
  /** Takes the lines of workers, in JSON. */
  readonly workerLog?: (lines: string) => void;
}

export interface Ended {
  readonly exchange: Exchange;
  readonly record: AccessRecord;
}

export interface TestGateway extends AsyncDisposable {
  readonly primary: Primary;
  readonly config: Config;
  /** `https://127.0.0.1:port` of the listener `public`. */
  readonly url: string;
  /** `http://127.0.0.1:port` of the listener `clear`. */
  readonly clearUrl: string;
  /** PEM that clients must trust for `url`. */
  readonly ca: string;
  /** Every exchange that is over, oldest first. */
  readonly ended: readonly Ended[];
  /** Everything announced, oldest first. */
  readonly announced: readonly { name: keyof GatewayEvents; payload: unknown }[];
  /** The first exchange that is over and fits, now or later. */
  over(fits: (ended: Ended) => boolean): Promise<Ended>;
  /** The first announcement of this name that fits, now or later. */
  announcement<K extends keyof GatewayEvents>(
    name: K,
    fits?: (payload: GatewayEvents[K]) => boolean,
  ): Promise<GatewayEvents[K]>;
  /** Port of a listener by name. */
  port(listener: string): number;
}

const FOLDER = join(tmpdir(), `gatehouse-test-${process.pid}`);
process.on('exit', () => void rm(FOLDER, { recursive: true, force: true }));

let certificate: ReturnType<typeof developmentCertificate> | undefined;

/** The certificate of every test of this process, made at run time. */
export function testCertificate() {
  certificate ??= developmentCertificate(FOLDER);
  return certificate;
}

const NAMES = [
  'exchange',
  'connection_ended',
  'session_opened',
  'session_closed',
  'attempt_failed',
  'endpoint_checked',
  'endpoint_health',
  'endpoint_ejected',
  'panic',
  'untrusted_proxy',
  'hint',
  'refused',
  'overloaded',
  'loop_pressure',
  'memory_pressure',
  'shared_tier',
  'endpoints_changed',
  'discovery_failed',
  'discovery_recovered',
  'list_reloaded',
  'list_failed',
  'certificates_loaded',
  'certificates_refused',
  'certificate_ending',
  'acme_issued',
  'acme_failed',
  'acme_challenge',
  'ticket_key_rotated',
  'ticket_keys_refused',
  'cache_disk',
  'cache_warmed',
  'worker_lost',
  'worker_hung',
  'worker_started',
  'reloaded',
  'reload_failed',
  'draining',
] as const satisfies readonly (keyof GatewayEvents)[];

/** The first check of an endpoint, and no other one in the time of a test: upstreams of tests count what arrives. */
export const ONE_CHECK = { check: { interval_ms: 3_600_000 } };

/** The config of a test: defaults, and what the test lays over them. */
export function testConfig(options: GatewayOptions): Config {
  const zitadel = options.zitadel ?? '127.0.0.1:1';
  const given: z.input<typeof configSchema> = {
    preset: {
      name: 'zitadel',
      reflection: true,
      ...(options.login !== undefined && { login_upstream: 'login' }),
    },
    listeners: [
      { name: 'public', address: '127.0.0.1:0', tls: { development: true } },
      { name: 'clear', address: '127.0.0.1:0', external_scheme: 'https' },
    ],
    upstreams: {
      zitadel: { health: ONE_CHECK, ...(typeof zitadel === 'string' ? { endpoints: [zitadel] } : zitadel) },
      ...(options.login !== undefined && {
        login: { protocol: 'http/1.1' as const, endpoints: [options.login], health: ONE_CHECK },
      }),
    },
    shutdown: { drain_delay_ms: 0, timeout_ms: 2000 },
    hints: true,
    // What a busy machine would refuse is no matter of the test.
    overload: { event_loop_delay_ms: 0, memory_percent: 0 },
    // All in this thread, where a test can see it.
    workers: 0,
    ...options.config,
  };
  const upstreams = Object.entries(given.upstreams).map(([name, upstream]) => {
    return [name, { http2_engine: TEST_UPSTREAM_ENGINE, ...upstream }];
  });
  const limits = { http2_engine: TEST_ENGINE, ...given.limits };
  return configSchema.parse({ ...given, upstreams: Object.fromEntries(upstreams), limits });
}

/** Starts a gateway; everything is closed again when the test is over. */
export async function startGateway(options: GatewayOptions = {}): Promise<TestGateway> {
  const { certificate: ca } = await testCertificate();
  const events = new Events();
  const ended: Ended[] = [];
  const announced: { name: keyof GatewayEvents; payload: unknown }[] = [];
  const lookout = new Lookout();
  for (const name of NAMES) {
    events.on(name, (payload) => {
      announced.push({ name, payload });
      if (name === 'exchange') ended.push(payload as Ended);
      lookout.look();
    });
  }
  const primary = await Primary.start({
    config: testConfig(options),
    clock: options.clock ?? systemClock,
    certificateFolder: FOLDER,
    events,
    ...(options.workerScript !== undefined && { workerScript: options.workerScript }),
    ...(options.workerLog !== undefined && { log: { human: false, terminal: false, relay: options.workerLog } }),
  });

  function port(name: string): number {
    const found = primary.listeners.find(({ config }) => config.name === name);
    if (found === undefined) throw new Error(`no listener ${name}`);
    return found.address.port;
  }

  const has = (name: string): boolean => primary.listeners.some(({ config }) => config.name === name);
  return {
    primary,
    config: primary.config,
    url: has('public') ? `https://127.0.0.1:${port('public')}` : '',
    clearUrl: has('clear') ? `http://127.0.0.1:${port('clear')}` : '',
    ca,
    ended,
    announced,
    over: (fits) => lookout.for(() => ended.find(fits)),
    announcement: (name, fits = () => true) =>
      lookout.for(() => announced.find((one) => one.name === name && fits(one.payload as never))?.payload as never),
    port,
    async [Symbol.asyncDispose]() {
      await primary.stop('test over', { drainDelayMs: 0, timeoutMs: 100 });
    },
  };
}

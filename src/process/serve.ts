/** `gatehouse serve`: the gateway with its log, its metrics, its admin listener, and the signals that end it. */

import { existsSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { isatty } from 'node:tty';
import { fileURLToPath } from 'node:url';
import { type AdminServer, createAdmin } from '../admin/server.ts';
import { parseListenAddress } from '../config/address.ts';
import { type Loaded, loadConfig } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import { redacted } from '../config/redact.ts';
import type { Config } from '../config/schema.ts';
import { systemClock } from '../core/clock.ts';
import { Events } from '../core/events.ts';
import { accessLog } from '../telemetry/access-log.ts';
import { connectEvents } from '../telemetry/announcements.ts';
import * as certificateLines from '../telemetry/certificate-lines.ts';
import * as lines from '../telemetry/lines.ts';
import { createLog } from '../telemetry/log.ts';
import type { Log } from '../telemetry/log-contract.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { createRedactor } from '../telemetry/redact.ts';
import { AdminListener, admittedBy } from './admin-listener.ts';
import type { Demo } from './demo.ts';
import { explained } from './explain.ts';
import { sharedSources } from './operators.ts';
import { Primary } from './primary.ts';
import { Reloads } from './reload.ts';
import { StatusBoard } from './status.ts';
import { mainMetrics, servingMetrics } from './thread-metrics.ts';
import { VERSION } from './version.ts';

/** Where the development certificate is kept. */
const CERTIFICATES = fileURLToPath(new URL('../../certs/', import.meta.url));
/** How long answers of the admin listener may still take, in milliseconds. */
const ADMIN_CLOSE_MS = 500;
/** How long the last lines of the log may take, in milliseconds. */
const LOG_CLOSE_MS = 1000;

/** Runs until a signal ends it; gives the exit code. */
export async function serve(
  configFile: string | undefined,
  demoAllowed: boolean,
  watch: boolean | undefined,
): Promise<number> {
  const started = systemClock.now();
  const named = configFile ?? (process.env.GATEHOUSE_CONFIG || undefined);
  const demo = named === undefined && demoAllowed ? await startDemo() : undefined;
  const file = named ?? demo?.configFile;
  if (file === undefined) {
    process.stderr.write(
      'gatehouse: no config. Give --config FILE or set GATEHOUSE_CONFIG; config/gateway.yaml is a good beginning.\n',
    );
    return 2;
  }
  const readText = (path: string): string => readFileSync(path, 'utf8');
  const load: ConstructorParameters<typeof Reloads>[0]['load'] = (options) =>
    loadConfig(file, { ...process.env, ...demo?.environment }, options);
  const referred = new Set<string>();
  const { config, warnings } = await load({
    readFile(path) {
      referred.add(path);
      return readText(path);
    },
  });
  for (const warning of warnings) process.stderr.write(`warning: ${formatProblem(warning)}\n`);

  const log = createLog({
    level: config.log.level,
    format: config.log.format,
    bufferBytes: config.log.buffer_bytes,
    redactor: createRedactor({ names: config.log.redact_query }),
  });
  lines.starting(log, { version: VERSION, node: process.version, config: file, pid: process.pid });
  const events = new Events();
  connectEvents(log, events);
  if (config.log.access) accessLog(events, log);
  process.on('unhandledRejection', (reason) => lines.defect(log, reason, { where: 'an unhandled rejection' }));

  let primary: Primary;
  try {
    primary = await Primary.start({
      config,
      clock: systemClock,
      certificateFolder: CERTIFICATES,
      events,
      log: { human: log.human, terminal: isatty(1), relay: (text) => log.relay(text) },
    });
  } catch (error) {
    await log.close(LOG_CLOSE_MS);
    await demo?.close();
    throw startError(error);
  }
  const metrics = createMetrics(events, {
    version: VERSION,
    droppedLines: () => log.dropped(),
    occupancies: () => primary.occupancies(),
    certificates: () => primary.tls.certificates.expiries(),
    acme: () => primary.tls.acmeStatus(),
    ...(primary.workers === undefined ? servingMetrics(primary.gateway) : mainMetrics(primary.workers)),
  });
  const shared = sharedSources(primary, metrics);
  const board = new StatusBoard({ primary, clock: systemClock, upstreams: () => shared.upstreams() });
  const admin: AdminListener = new AdminListener({
    make: (of) => makeAdmin(of, { primary, shared, board, log, reloads }),
    onListening: (address) => lines.listening(log, { listener: 'admin', url: `http://${shown(address)}` }),
  });
  const reloads: Reloads = new Reloads({
    clock: systemClock,
    file,
    config,
    load,
    readText,
    onRefused: (problems) => primary.rejectReload(problems),
    putInForce: (loaded) => putInForce(loaded, { primary, admin, log }),
  });
  await startAdmin(admin, config).catch(async (error: unknown) => {
    await primary.stop('start failed', { drainDelayMs: 0, timeoutMs: 0 });
    await demo?.close();
    throw startError(error);
  });
  announce(primary, log);
  lines.ready(log, { ms: systemClock.now() - started });
  if (demo !== undefined) {
    const welcome = demo.welcome(primary.listeners.map((l) => ({ name: l.config.name, ...l.address })));
    // Through the log where people read it, so that it comes after the lines before it.
    if (log.human) lines.welcome(log, welcome);
    else process.stdout.write(`\n${welcome}\n`);
  }

  process.on('SIGHUP', () => void reloads.again('signal').catch(() => {})); // told by the event
  if (watch ?? config.reload.watch) void reloads.watch(referred);
  const how = await ended(primary, log);
  const stopping = systemClock.now();
  reloads[Symbol.dispose]();
  await Promise.all([admin.close(ADMIN_CLOSE_MS), demo?.close()]);
  metrics.close();
  lines.stopped(log, { ms: systemClock.now() - stopping });
  await log.close(LOG_CLOSE_MS);
  return how === 'drained' ? 0 : 1;
}

/** Resolves when the gateway has been stopped by a signal; a second one ends it at once. */
async function ended(primary: Primary, log: Log): Promise<'drained' | 'forced' | 'broken'> {
  const { promise, resolve } = Promise.withResolvers<'drained' | 'forced' | 'broken'>();
  let first = true;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (first) {
      first = false;
      void primary.stop(signal).then(() => resolve('drained'));
      return;
    }
    lines.forced(log, { signal, exchanges: primary.openExchanges });
    primary.destroy();
    resolve('forced');
  };
  // Nobody knows what state an exception left behind that nothing caught: what is in flight may end, and then it is over.
  process.on('uncaughtException', (error) => {
    lines.defect(log, error, { where: 'an uncaught exception' });
    void primary.stop('uncaught exception').then(() => resolve('broken'));
  });
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  return promise;
}

function announce(primary: Primary, log: Log): void {
  for (const { certificate } of primary.tls.certificates.list()) {
    const { pair, names, until, made, warnings } = certificate;
    const line = { file: pair.source, names, until: until.toISOString() };
    if (made) certificateLines.certificateMade(log, line);
    else certificateLines.certificateLoaded(log, line);
    for (const problem of warnings) certificateLines.certificateDoubtful(log, { file: pair.source, problem });
  }
  for (const { config, address } of primary.listeners) {
    lines.listening(log, { listener: config.name, url: `${config.tls ? 'https' : 'http'}://${shown(address)}` });
  }
}

function shown({ family, address, port }: AddressInfo): string {
  return `${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

async function startAdmin(admin: AdminListener, config: Config): Promise<void> {
  (await admin.prepare(config)).commit();
}

/** All of it, or nothing. */
async function putInForce(
  { config, warnings }: Loaded,
  { primary, admin, log }: { readonly primary: Primary; readonly admin: AdminListener; readonly log: Log },
): Promise<void> {
  const prepared = await admin.prepare(config).catch((error: unknown) => {
    const { message } = startError(error);
    primary.rejectReload(`admin.address: ${message}`);
    throw new Error(`admin.address: ${message}`, { cause: error });
  });
  try {
    await primary.reload(config);
  } catch (error) {
    prepared.abandon();
    throw error;
  }
  prepared.commit();
  for (const warning of warnings) lines.configDoubtful(log, { problem: formatProblem(warning) });
}

/** What the admin listener tells of. */
interface Told {
  readonly primary: Primary;
  readonly shared: ReturnType<typeof sharedSources>;
  readonly board: StatusBoard;
  readonly log: Log;
  readonly reloads: Reloads;
}

function makeAdmin(of: Config, { primary, shared, board, log, reloads }: Told): AdminServer {
  const { host, port } = parseListenAddress(of.admin.address)!;
  return createAdmin({
    host,
    port,
    ...admittedBy(of),
    ready: () => primary.ready(),
    ...shared,
    status: () => board.status(),
    config: () => redacted(primary.config),
    certificates: () => primary.tls.certificates.status(),
    limits: () => {
      const { services } = primary.generation;
      return { tables: primary.occupancies(), shared: services.sharedTier?.status() };
    },
    bans: () =>
      [...primary.generation.services.localTier.bans(), ...primary.addresses.bans()].sort(
        (a, b) => b.leftMs - a.leftMs,
      ),
    liftBan: (id) => primary.generation.services.liftBan(id) || primary.addresses.liftBan(id),
    explain: async (question) => explained(primary.generation, question).text,
    reload: async () => {
      await reloads.again('admin');
      return { generation: primary.generation.id };
    },
    reloads: () => ({ generation: primary.generation.id, ...reloads.status() }),
    drain: (wanted) => primary.drain(wanted),
    onRefused: (refused) => lines.adminRefused(log, refused),
    onDefect: (thrown) => lines.defect(log, thrown, { where: 'the admin listener' }),
  });
}

/** The stand-in is not in the container; without it `--demo` has nothing to offer. */
async function startDemo(): Promise<Demo | undefined> {
  if (!existsSync(new URL('../demo/stand-in.ts', import.meta.url))) return undefined;
  const { startDemo: start } = await import('./demo.ts');
  return start();
}

/** What keeps a gateway from starting, in words that name the key. */
function startError(error: unknown): Error {
  const { code, message, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  if (code === 'EADDRINUSE')
    return new Error(`${address}:${port} is taken by another process: change the address of the listener`);
  if (code === 'EACCES') return new Error(`${address}:${port} may not be bound by this user: take a port above 1023`);
  if (code === 'EADDRNOTAVAIL')
    return new Error(`${address} is no address of this machine: change the address of the listener`);
  return error instanceof Error ? error : new Error(message);
}

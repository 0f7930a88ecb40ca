/** What ACME does over days and weeks: renewal, failures, limits, restarts; on a clock that is moved by hand. */

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { acme as acmeSchema } from '../../src/config/schema/acme.ts';
import { Events, type GatewayEvents } from '../../src/core/events.ts';
import { accountFolder, certificateFile, prepareFolder } from '../../src/process/acme/files.ts';
import { FolderLock } from '../../src/process/acme/folder-lock.ts';
import { KeptCertificate } from '../../src/process/acme/kept-certificate.ts';
import { storedPair } from '../../src/process/acme/stored-pair.ts';
import { certificateId } from '../../src/transport/acme/renewal-time.ts';
import { checkPair } from '../../src/transport/certificates.ts';
import { AcmeAuthority } from '../support/acme-authority.ts';
import { HandClock } from '../support/hand-clock.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

class Place implements AsyncDisposable {
  readonly clock = new HandClock();
  readonly told: { name: string; payload: unknown }[] = [];
  readonly published: ReadonlyMap<string, string>[] = [];
  readonly pending = new Map<string, string>();
  readonly authority: AcmeAuthority;
  readonly config: ReturnType<typeof acmeSchema.parse>;
  readonly #folder: string;
  #kept: KeptCertificate | undefined;

  private constructor(authority: AcmeAuthority, clock: HandClock, folder: string, config: Place['config']) {
    this.authority = authority;
    this.clock = clock;
    this.#folder = folder;
    this.config = config;
  }

  static async make(more: object = {}): Promise<Place> {
    const clock = new HandClock();
    const authority = await AcmeAuthority.start(clock);
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-acme-'));
    await writeFile(join(folder, 'ca.pem'), authority.ca);
    const config = acmeSchema.parse({
      names: ['login.example.test'],
      storage_directory: folder,
      agree_to_terms: true,
      directory: authority.directory,
      ca_file: join(folder, 'ca.pem'),
      ...more,
    });
    await prepareFolder(config);
    return new Place(authority, clock, folder, config);
  }

  /** As a start of the gateway does, or the next one. */
  async start(): Promise<KeptCertificate> {
    await this.#kept?.[Symbol.asyncDispose]();
    const events = new Events();
    events.onAny((name, payload) => this.told.push({ name, payload }));
    this.#kept = new KeptCertificate({
      config: this.config,
      clock: this.clock,
      events,
      random: () => 0.5,
      publish: async (answers) => {
        this.published.push(answers);
        for (const [token, text] of answers) this.pending.set(token, text);
      },
      retract: (tokens) => {
        for (const token of tokens) this.pending.delete(token);
      },
    });
    this.#kept.begin();
    await this.pass(0);
    return this.#kept;
  }

  /** Lets time pass; what it sets off is over then. */
  async pass(ms: number): Promise<void> {
    this.clock.pass(ms);
    await this.#kept!.settled;
  }

  /** The same day by day. */
  async passDays(days: number): Promise<void> {
    for (let day = 0; day < days; day++) await this.pass(DAY_MS);
  }

  /** The same hour by hour, as it is looked at. */
  async passHours(hours: number): Promise<void> {
    for (let hour = 0; hour < hours; hour++) await this.pass(HOUR_MS);
  }

  failures(): GatewayEvents['acme_failed'][] {
    return this.told.filter(({ name }) => name === 'acme_failed').map(({ payload }) => payload as never);
  }

  get issued(): number {
    return this.told.filter(({ name }) => name === 'acme_issued').length;
  }

  stored(): Promise<string> {
    return readFile(certificateFile(this.config), 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kept?.[Symbol.asyncDispose]();
    await this.authority[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

const problem = (type: string, detail: string, status = 400, headers = {}) => ({
  status,
  json: { type: `urn:ietf:params:acme:error:${type}`, detail },
  headers,
});

test('publishes the answer before it asks for the challenge, and takes it back afterwards', async () => {
  await using place = await Place.make();
  place.authority.instead.set('/challenge', () => {
    assert.match(place.pending.get(place.authority.token)!, new RegExp(`^${place.authority.token}\\.[\\w-]{43}$`));
    return undefined;
  });
  await place.start();
  assert.deepEqual(place.failures(), []);
  assert.equal(place.issued, 1);
  assert.equal(place.pending.size, 0);
});

test('renews with a third of the life left, not before, and not at each start', async () => {
  await using place = await Place.make();
  await place.start();
  const first = await place.stored();
  await place.passDays(59);
  await place.start();
  assert.equal(place.issued, 1);
  assert.equal(await place.stored(), first);
  await place.passDays(3);
  assert.equal(place.issued, 2);
  assert.notEqual(await place.stored(), first);
});

test('renews so many days before the end as the config says', async () => {
  await using place = await Place.make({ renew_before_days: 10 });
  await place.start();
  await place.passDays(79);
  assert.equal(place.issued, 1);
  await place.passDays(2);
  assert.equal(place.issued, 2);
});

test('a certificate of six days is renewed as well, though the config says 30 days before', async () => {
  await using place = await Place.make({ renew_before_days: 30 });
  place.authority.lifeDays = 6;
  await place.start();
  await place.passHours(24);
  assert.equal(place.issued, 1, 'not without end');
  await place.passDays(3);
  assert.equal(place.issued, 2);
});

test('renews when the authority suggests it, tells it which one is replaced, and asks as often as it wants', async () => {
  await using place = await Place.make();
  const { authority, clock } = place;
  authority.suggests = true;
  let window = { start: clock.wall() + 70 * DAY_MS, end: clock.wall() + 71 * DAY_MS };
  const answer = () => ({
    json: { suggestedWindow: { start: new Date(window.start).toISOString(), end: new Date(window.end).toISOString() } },
    headers: { 'retry-after': '43200' },
  });
  await place.start();
  const id = certificateId(await place.stored())!;
  authority.instead.set(`/renewal/${id}`, answer);
  await place.passHours(7);
  const asked = authority.count(`/renewal/${id}`);
  await place.passHours(24);
  assert.equal(authority.count(`/renewal/${id}`) - asked, 2);
  await place.passDays(62);
  assert.equal(place.issued, 1, 'later than the usual time');
  // It was revoked: the window is over.
  window = { start: clock.wall() - 2 * DAY_MS, end: clock.wall() - DAY_MS };
  await place.passHours(13);
  assert.equal(place.issued, 2);
  assert.equal(authority.asked.filter(({ path }) => path === '/orders').at(-1)!.payload!.replaces, id);
});

test('an authority that suggests nothing of use is not waited for', async () => {
  for (const given of [
    { status: 500 },
    { json: { suggestedWindow: { start: 'soon' } } },
    { body: '{' },
    { json: null },
  ]) {
    await using place = await Place.make();
    place.authority.suggests = true;
    await place.start();
    place.authority.instead.set(`/renewal/${certificateId(await place.stored())}`, given);
    await place.pass(59 * DAY_MS);
    await place.passDays(4);
    assert.equal(place.issued, 2);
    assert.deepEqual(place.failures(), []);
  }
});

test('waits longer after each failure, and what is stored stays', async () => {
  await using place = await Place.make();
  await place.start();
  const stored = await place.stored();
  place.authority.instead.set('/orders', problem('serverInternal', 'not today', 500));
  await place.pass(63 * DAY_MS);
  for (const minutes of [1, 5, 20, 60, 240, 720, 720]) {
    assert.equal(place.failures().at(-1)!.retryInMs, minutes * MINUTE_MS);
    await place.pass(minutes * MINUTE_MS);
  }
  assert.equal(place.failures().length, 8);
  assert.equal(await place.stored(), stored);
  place.authority.instead.clear();
  await place.passHours(13);
  assert.equal(place.issued, 2);
});

test('an authority that is gone is told, and asked again', async () => {
  await using place = await Place.make();
  const before = place.config.directory;
  await place.authority[Symbol.asyncDispose]();
  const kept = await place.start();
  assert.match(place.failures()[0]!.problem, /GET https:.*ECONNREFUSED/);
  assert.match(kept.problem!, /ECONNREFUSED/);
  assert.equal(before, kept.status.directory);
  await place.pass(MINUTE_MS);
  assert.equal(place.failures().length, 2);
});

test('orders nothing while the authority asks to wait, also after a restart', async () => {
  await using place = await Place.make();
  place.authority.instead.set('/orders', problem('rateLimited', 'too many', 429, { 'retry-after': '36000' }));
  await place.start();
  assert.equal(place.failures()[0]!.retryInMs, 10 * HOUR_MS);
  place.authority.instead.clear();
  await place.start();
  assert.match(place.failures()[1]!.problem, /no order before 2026-01-01T10:00:00/);
  assert.equal(place.authority.count('/orders'), 1);
  await place.passHours(10);
  assert.equal(place.issued, 1);
});

test('orders no more a day than are allowed, restarts and failures included', async () => {
  await using place = await Place.make({ max_orders_per_day: 3 });
  place.authority.instead.set('/finalize', problem('badCSR', 'no'));
  for (let start = 0; start < 8; start++) await place.start();
  assert.equal(place.authority.count('/orders'), 3);
  place.authority.instead.clear();
  await place.passHours(25);
  assert.equal(place.issued, 1);
});

test('of two processes one orders, and the other takes what was issued', async () => {
  await using place = await Place.make();
  const lock = await FolderLock.take(accountFolder(place.config), place.clock);
  assert.equal(await FolderLock.take(accountFolder(place.config), place.clock), undefined);
  await place.start();
  assert.equal(place.authority.count('/orders'), 0);
  assert.deepEqual(place.failures(), []);
  await lock![Symbol.asyncDispose]();
  await place.pass(MINUTE_MS);
  assert.equal(place.issued, 1);
});

test('a lock of a process that has died holds nobody up', async () => {
  await using place = await Place.make();
  const file = join(accountFolder(place.config), 'lock');
  const { hostname } = await import('node:os');
  await writeFile(file, JSON.stringify({ id: 'x', host: hostname(), pid: 2 ** 22 + 1 }));
  await place.start();
  assert.equal(place.issued, 1);
  // In a container that began again the pid is our own.
  await writeFile(file, JSON.stringify({ id: 'y', host: hostname(), pid: process.pid }));
  await using lock = await FolderLock.take(accountFolder(place.config), place.clock);
  assert.notEqual(lock, undefined);
});

test('badNonce is no failure, and without end it is one', async () => {
  await using place = await Place.make();
  let refusals = 4;
  place.authority.instead.set('/orders', () => (refusals-- > 0 ? problem('badNonce', 'old') : undefined));
  await place.start();
  assert.equal(place.issued, 1);
  const nonces = place.authority.asked.map(({ header: { nonce } }) => nonce).filter((nonce) => nonce !== undefined);
  assert.equal(new Set(nonces).size, nonces.length, 'each is used once');
  await using other = await Place.make();
  other.authority.instead.set('/orders', problem('badNonce', 'old'));
  await other.start();
  assert.match(other.failures()[0]!.problem, /badNonce: old/);
});

test('what an authority says that makes no sense is told, and nothing is stored', async () => {
  const cases: [path: string, given: object, expected: RegExp][] = [
    ['/directory', { json: {} }, /this is no ACME directory: newAccount is missing/],
    ['/directory', { body: 'x'.repeat(300_000) }, /the answer has more than 262144 bytes/],
    ['/directory', { status: 302, headers: { location: 'https://elsewhere.test/' } }, /status 302/],
    [
      '/directory',
      { json: { newAccount: 'http://127.0.0.1/a', newNonce: 'file:///etc/passwd' } },
      /expected a URL of https/,
    ],
    ['/account', { status: 201 }, /an account has no location/],
    ['/orders', { status: 201, json: { status: 'pending' } }, /an order has no location/],
    ['/orders', problem('rejectedIdentifier', 'forbidden\u001b[31m'), /rejectedIdentifier: forbidden/],
    ['/order/1', { json: { status: 'invalid', error: { detail: 'lost' } } }, /lost/],
    ['/order/1', { json: { status: 'ready' } }, /an order has no finalize/],
    ['/finalize', { json: { status: 'valid' } }, /a valid order has no certificate/],
    [
      '/certificate',
      { body: 'hello', headers: { 'content-type': 'text/plain' } },
      /this is no certificate in PEM form/,
    ],
    ['/authorization/login.example.test', { json: { status: 'revoked' } }, /it is revoked/],
    [
      '/authorization/login.example.test',
      { json: { status: 'pending', challenges: [{ type: 'dns-01' }] } },
      /no challenge by HTTP-01/,
    ],
    ['/authorization/login.example.test', { body: '[]' }, /undefined|it is/],
  ];
  for (const [path, given, expected] of cases) {
    await using place = await Place.make();
    // The first answer of the order itself must not be final.
    place.authority.instead.set(path, given);
    await place.start();
    assert.match(place.failures()[0]?.problem ?? 'no failure', expected, path);
    assert.equal(place.issued, 0);
    assert.equal(place.pending.size, 0);
    await assert.rejects(place.stored(), { code: 'ENOENT' });
  }
});

test('a token that would lead elsewhere is not published', async () => {
  await using place = await Place.make();
  place.authority.token = '../../../etc/passwd-and-more';
  await place.start();
  assert.match(place.failures()[0]!.problem, /no challenge by HTTP-01/);
  assert.deepEqual(place.published, []);
});

test('a stand-in serves until there is a certificate, and never in the place of one', async () => {
  await using place = await Place.make();
  const now = place.clock.wall();
  const { pair, warnings } = await storedPair(place.config, now, true);
  assert.deepEqual(checkPair(pair, now).names, place.config.names);
  assert.match(warnings[0]!, /a self-signed stand-in is in use .*there is no certificate yet/);
  await place.start();
  const stored = await storedPair(place.config, place.clock.wall(), true);
  assert.deepEqual(stored.warnings, []);
  assert.doesNotMatch(stored.pair.certificate, /PRIVATE KEY/);
  await writeFile(certificateFile(place.config), 'broken');
  await assert.rejects(storedPair(place.config, place.clock.wall(), false), /this is no certificate in PEM form/);
  await place.start();
  assert.equal(place.issued, 2, 'what is broken is ordered anew');
});

test('no key is in what is told', async () => {
  await using place = await Place.make({
    external_account: { key_id: 'kid', hmac_key: 'c2VjcmV0LXNlY3JldC1zZWNyZXQ' },
  });
  await place.start();
  place.authority.instead.set('/orders', problem('malformed', 'no'));
  await rm(certificateFile(place.config));
  const kept = await place.start();
  assert.doesNotMatch(JSON.stringify([place.told, kept.status]), /PRIVATE|c2VjcmV0/);
  const bound = place.authority.asked.find(({ path }) => path === '/account')!.payload!.externalAccountBinding;
  assert.equal(typeof (bound as { signature: string }).signature, 'string');
});

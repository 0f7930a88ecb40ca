// Certificates that end are told of early, each time once, in log, metrics and readiness.
// Harm: the day on which nobody can log in, known for a year.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Events, type GatewayEvents } from '../../src/core/events.ts';
import { CertificateEndings, warnedAt } from '../../src/process/certificate-endings.ts';
import type { ListedCertificate } from '../../src/process/certificates.ts';
import { checkPair } from '../../src/transport/certificates.ts';
import { certificateFor } from '../support/certificate.ts';
import { HandClock } from '../support/hand-clock.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const base = { ...checkPair(await certificateFor(['a.example']), Date.now()), made: false };

function setUp(lifeDays: number) {
  const clock = new HandClock();
  const events = new Events();
  const told: GatewayEvents['certificate_ending'][] = [];
  events.on('certificate_ending', (event) => told.push(event));
  const certificate = (fingerprint: string): ListedCertificate => ({
    listener: 'public',
    certificate: {
      ...base,
      fingerprint,
      from: new Date(clock.wall()),
      until: new Date(clock.wall() + lifeDays * DAY),
    },
  });
  let list = [certificate('first')];
  const endings = new CertificateEndings(clock, events, () => list);
  return {
    clock,
    told,
    endings,
    pass: (days: number) => {
      for (let hour = 0; hour < days * 24; hour += 1) clock.pass(HOUR);
    },
    renew: () => {
      list = [certificate('second')];
      endings.look();
    },
  };
}

test('a certificate of a year is told of 30, 14, 7, 3 and 1 days before its end, and when it is over', () => {
  const { told, pass } = setUp(365);
  pass(364);
  assert.deepEqual(
    told.map(({ leftDays }) => leftDays),
    [30, 14, 7, 3, 1],
  );
  pass(10);
  assert.deepEqual(told.at(-1), {
    listener: 'public',
    file: 'a.example ECDSA',
    names: ['a.example'],
    until: new Date(Date.UTC(2026, 0, 1) + 365 * DAY).toISOString(),
    leftDays: 0,
    ended: true,
  });
  assert.equal(told.length, 6);
});

test('one that is renewed with a third of its time left is never told of', () => {
  for (const days of [365, 90, 47, 6, 1]) {
    const { told, pass, renew, endings } = setUp(days);
    pass(Math.floor((days * 2) / 3));
    // A year's third is beyond 30 days; the rest is where the usual clients renew.
    assert.deepEqual(told, [], `${days} days`);
    renew();
    assert.deepEqual(endings.warnings(), []);
  }
});

test('one of a few days is told of when a sixth of its time is left', () => {
  const { told, pass, endings } = setUp(2);
  pass(1.5);
  assert.equal(told.length, 0);
  pass(0.25);
  assert.equal(told.length, 1);
  assert.match(endings.warnings().join(), /^listener public: certificate a\.example ECDSA ends on 2026-01-03/);
});

test('a new certificate is told of anew, and the old one is forgotten', () => {
  const { told, pass, renew, endings } = setUp(100);
  pass(90);
  assert.equal(told.length, 2);
  renew();
  assert.deepEqual(endings.warnings(), []);
  pass(80);
  assert.equal(told.length, 3);
});

test('times are positive but for the end, go up, and leave two thirds of a life in peace', () => {
  fc.assert(
    fc.property(fc.double({ min: HOUR, max: 4000 * DAY, noNaN: true }), (life) => {
      const times = warnedAt(life);
      assert.equal(times[0], 0);
      assert.ok(times.length > 1);
      for (const [index, ms] of times.entries()) {
        assert.ok(ms < life / 3);
        if (index > 0) assert.ok(ms > times[index - 1]!);
      }
    }),
  );
});

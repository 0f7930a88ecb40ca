import assert from 'node:assert/strict';
import test from 'node:test';
import { Events } from '../../src/core/events.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

const quiet = { percentile: () => 0, max: 0, count: 0, reset() {} };

test('how long certificates are valid is asked when metrics are read; of several for a name the first end counts', async () => {
  let leftS = 100;
  const metrics = createMetrics(new Events(), {
    version: '1',
    loopDelay: quiet,
    certificates: () => [
      { listener: 'public', name: 'a.example', leftS: 5000 },
      { listener: 'public', name: 'a.example', leftS },
      { listener: 'public', name: 'b.example', leftS: 7 },
    ],
  });
  assert.match(
    await metrics.text(),
    /gatehouse_certificate_expiry_seconds\{listener="public",name="a\.example"\} 100\n/,
  );
  leftS = -5;
  const text = await metrics.text();
  assert.match(text, /gatehouse_certificate_expiry_seconds\{listener="public",name="a\.example"\} -5\n/);
  assert.match(text, /gatehouse_certificate_expiry_seconds\{listener="public",name="b\.example"\} 7\n/);
});

test('what came of changed files is counted, and whether the ones in use are those on disk', async () => {
  const events = new Events();
  const certificates = () => [{ listener: 'public', name: 'a.example', leftS: 1 }];
  const metrics = createMetrics(events, { version: '1', loopDelay: quiet, certificates });
  assert.match(await metrics.text(), /gatehouse_certificates_current\{listener="public"\} 1\n/);
  events.emit('certificates_refused', { listener: 'public', problem: 'no' });
  const refused = await metrics.text();
  assert.match(refused, /gatehouse_certificates_current\{listener="public"\} 0\n/);
  assert.match(refused, /gatehouse_certificate_loads_total\{listener="public",outcome="refused"\} 1\n/);
  events.emit('certificates_loaded', { listener: 'public', certificates: [], vanished: [] });
  events.emit('ticket_key_rotated', {});
  const loaded = await metrics.text();
  assert.match(loaded, /gatehouse_certificates_current\{listener="public"\} 1\n/);
  assert.match(loaded, /gatehouse_certificate_loads_total\{listener="public",outcome="ok"\} 1\n/);
  assert.match(loaded, /gatehouse_ticket_key_rotations_total 1\n/);
});

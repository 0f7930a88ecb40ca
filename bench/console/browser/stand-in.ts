/**
 * The stand-in for ZITADEL as a process: `node stand-in.ts H2C_PORT TLS_PORT SLOW_PORT CERTIFICATE KEY SLOW_MS`. Three of
 * it: in the clear behind a gateway, over TLS for a browser that has no gateway, and one whose page takes its time.
 */

import { readFileSync } from 'node:fs';
import { startStandIn } from '../../../src/demo/stand-in.ts';

const [clear, tls, slow, certificate, key, slowMs] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
  string,
];

await startStandIn({ port: Number(tls), tls: { cert: readFileSync(certificate), key: readFileSync(key) } });
const late = await startStandIn({ port: Number(slow) });
await late.fail({ mode: 'slow', ms: Number(slowMs), match: ({ path }) => path === '/ui/console/' });
// The one that is waited for.
await startStandIn({ port: Number(clear) });

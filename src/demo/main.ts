import { parseArgs } from 'node:util';
import { startLoginStandIn } from './login-stand-in.ts';
import { startStandIn } from './stand-in.ts';

const USAGE = `Usage: node src/demo/main.ts [options]

Runs a stand-in for ZITADEL, and one for Login v2 when it has a port.

  --host ADDRESS        address to bind (127.0.0.1)
  --port PORT           port of the stand-in for ZITADEL (8080)
  --login-port PORT     port of the stand-in for Login v2
  --domain NAME         a domain of the instance; may be repeated (any host)
  --external-insecure   ExternalSecure: false, so that links follow the forwarded protocol
`;

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '8080' },
    'login-port': { type: 'string' },
    domain: { type: 'string', multiple: true, default: [] },
    'external-insecure': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) process.stdout.write(USAGE);
else await run();

async function run(): Promise<void> {
  const loginPort = values['login-port'];
  const standIn = await startStandIn({
    host: values.host,
    port: Number(values.port),
    domains: values.domain,
    externalSecure: !values['external-insecure'],
    loginV2: loginPort !== undefined,
  });
  process.stdout.write(`stand-in for ZITADEL: ${standIn.url}\n`);
  const login =
    loginPort === undefined
      ? undefined
      : await startLoginStandIn({ host: values.host, port: Number(loginPort), apiUrl: standIn.url });
  if (login) process.stdout.write(`stand-in for Login v2: ${login.url}\n`);
  const stop = () => void Promise.all([standIn.close(), login?.close()]);
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

import { after } from 'node:test';
import { type StandIn, startStandIn } from '../../src/demo/stand-in.ts';
import { type GatewayOptions, startGateway, type TestGateway } from './gateway.ts';

/** A stand-in for ZITADEL and a gateway before it, for all tests of a file; closed when they are over. */
export async function served(
  options: Omit<GatewayOptions, 'zitadel'> = {},
): Promise<{ readonly zitadel: StandIn; readonly gateway: TestGateway }> {
  const zitadel = await startStandIn();
  const gateway = await startGateway({ ...options, zitadel: `127.0.0.1:${zitadel.port}` });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    await zitadel.close();
  });
  return { zitadel, gateway };
}

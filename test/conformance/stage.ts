/** The whole stage of a conformance test: a stand-in for ZITADEL, one for Login v2, and a gateway in front of both. */

import type { z } from 'zod';
import type { configSchema } from '../../src/config/schema.ts';
import { type LoginStandIn, startLoginStandIn } from '../../src/demo/login-stand-in.ts';
import { type StandIn, type StandInOptions, startStandIn } from '../../src/demo/stand-in.ts';
import { startGateway, type TestGateway } from '../support/gateway.ts';

type GivenConfig = z.input<typeof configSchema>;

/** What a stage may be set up with. */
export interface StageOptions {
  readonly standIn?: StandInOptions;
  /** Laid over the config; `routes` come before those of the demo, `upstreams` are added to the two there are. */
  readonly config?: Partial<GivenConfig>;
}

export interface Stage extends AsyncDisposable {
  readonly standIn: StandIn;
  readonly login: LoginStandIn;
  readonly gateway: TestGateway;
}

/** What the stand-in has besides ZITADEL: paths that do one thing each, and a service with all kinds of streams. */
const DEMO_ROUTE = {
  name: 'demo',
  paths: ['/demo/*', '/gatehouse.demo.v1.StreamService/{rpc}'],
  // A stream may be quiet for as long as it likes.
  policies: { deadline: { answer_ms: 0 } },
};

/** Starts all three, with everything open that a preset can open except what is for ZITADEL's operators. */
export async function startStage(options: StageOptions = {}): Promise<Stage> {
  const standIn = await startStandIn({ loginV2: true, ...options.standIn });
  const login = await startLoginStandIn({ apiUrl: standIn.url });
  const gateway = await startGateway({
    config: {
      preset: { name: 'zitadel', login_upstream: 'login', reflection: true, api_alias: true, open: ['health'] },
      ...options.config,
      upstreams: {
        zitadel: { endpoints: [new URL(standIn.url).host] },
        login: { protocol: 'http/1.1', endpoints: [new URL(login.url).host] },
        ...options.config?.upstreams,
      },
      routes: [...(options.config?.routes ?? []), DEMO_ROUTE],
    },
  });
  return {
    standIn,
    login,
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await Promise.all([login.close(), standIn.close()]);
    },
  };
}

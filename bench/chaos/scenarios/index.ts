/** All scenarios, in the order of the report. */

import type { Scenario } from '../scenario.ts';
import { changes } from './changes.ts';
import { gatewayEnds } from './gateway-ends.ts';
import { mixed } from './mixed.ts';
import { names } from './names.ts';
import { outage } from './outage.ts';
import { rollingRestart } from './rolling-restart.ts';
import { sickPods } from './sick-pods.ts';
import { workerLost } from './worker-lost.ts';

export const SCENARIOS: readonly Scenario[] = [
  rollingRestart,
  sickPods,
  outage,
  changes,
  gatewayEnds,
  workerLost,
  names,
  mixed,
];

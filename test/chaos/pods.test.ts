// Pods end as ZITADEL ends them (5 seconds, no readiness flip, no GOAWAY: zitadel/zitadel#8772), are sick or all gone, and
// their names change or cannot be asked for; counted under load of all dialects.
// Harm: users see 502s in every rolling update, or a request that does something is done twice.
import { names } from '../../bench/chaos/scenarios/names.ts';
import { outage } from '../../bench/chaos/scenarios/outage.ts';
import { rollingRestart } from '../../bench/chaos/scenarios/rolling-restart.ts';
import { sickPods } from '../../bench/chaos/scenarios/sick-pods.ts';
import { testScenarios } from './run.ts';

testScenarios('pods and their names', [rollingRestart, sickPods, outage, names]);

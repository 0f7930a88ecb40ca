// Configs and certificates are swapped, workers are killed, the gateway itself is replaced behind a load balancer, and at last
// everything at once for a while; counted under load of all dialects.
// Harm: a deployment of the gateway, a typing error in its config or a renewed certificate costs users their requests.
import { changes } from '../../bench/chaos/scenarios/changes.ts';
import { gatewayEnds } from '../../bench/chaos/scenarios/gateway-ends.ts';
import { mixed } from '../../bench/chaos/scenarios/mixed.ts';
import { workerLost } from '../../bench/chaos/scenarios/worker-lost.ts';
import { testScenarios } from './run.ts';

testScenarios('the gateway itself', [mixed, gatewayEnds, workerLost, changes]);

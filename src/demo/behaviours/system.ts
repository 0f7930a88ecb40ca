import { State as InstanceState } from '@zitadel/proto/zitadel/instance_pb.js';
import { SystemService } from '@zitadel/proto/zitadel/system_pb.js';
import { IDS } from '../state.ts';
import { behaving } from './behaviour.ts';
import { details, listDetails } from './details.ts';

/** The System API, which sees all instances: here the one. */
export const system = behaving(SystemService, {
  healthz: () => ({}),
  listInstances: () => ({
    details: listDetails(1),
    result: [{ id: IDS.instance, details: details(), state: InstanceState.RUNNING, name: 'ZITADEL' }],
  }),
});

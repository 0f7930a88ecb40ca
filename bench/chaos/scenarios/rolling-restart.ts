import { none, type Scenario } from '../scenario.ts';
import { Stage } from '../stage.ts';

/** Three pods are replaced one after the other, as a StatefulSet does it, and at last one is killed as by a node that is lost. */
export const rollingRestart: Scenario = {
  name: 'rolling-restart',
  what: 'Three pods restart one after the other, with the shutdown of ZITADEL; then one is killed',
  async run(pace) {
    await using stage = await Stage.open(pace);
    const load = await stage.load(await stage.gateway());
    await load.during('calm', pace.phaseMs);
    load.phase = 'restarts';
    for (const pod of stage.pods) {
      await pod.end();
      await pod.start();
      // What Kubernetes waits for: its readiness probe.
      await load.run(2 * pace.checkMs);
    }
    load.phase = 'killed';
    await stage.pods[0]!.end('SIGKILL');
    await load.run(pace.phaseMs);
    const tally = await load.stop();
    const { doubled } = stage.arrivals;
    const asked = tally.outcomes.filter(({ safe }) => !safe).length;
    const [safe, unsafe] = [tally.failures.filter((one) => one.safe), tally.failures.filter((one) => !one.safe)];
    return {
      tally,
      doubled,
      claims: [
        none('idempotent requests that failed', safe.length),
        none(
          'others that failed and were not in flight on a pod that ended',
          unsafe.filter((one) => !stage.wasInFlight(one)).length,
        ),
        none('requests that came twice', doubled.length),
        none('requests that the pods did not count', Math.max(0, asked - unsafe.length - stage.arrivals.counts.size)),
      ],
      numbers: { 'unsafe requests lost in flight': unsafe.length },
    };
  },
};

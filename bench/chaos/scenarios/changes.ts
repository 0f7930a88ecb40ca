import { Handshakes } from '../handshakes.ts';
import { none, type Scenario } from '../scenario.ts';
import { Stage } from '../stage.ts';

/** Every fifth is broken. */
const BROKEN_EACH = 5;
/** Ways in which a config is broken: no YAML, an unknown key, an upstream that is not there. */
const BROKEN: readonly ((good: object) => object | string)[] = [
  () => 'listeners: [',
  (good) => ({ ...good, upstream: {} }),
  (good) => ({
    ...good,
    routes: [{ name: 'streams', paths: ['/gatehouse.demo.v1.StreamService/{rpc}'], upstream: 'gone' }],
  }),
];

/** Configs and certificates are swapped under load, some of them broken. */
export const changes: Scenario = {
  name: 'changes',
  what: 'Configs and certificates are swapped under load; every fifth of either is broken',
  async run(pace) {
    await using stage = await Stage.open(pace);
    const gateway = await stage.gateway();
    const load = await stage.load(gateway);
    using handshakes = new Handshakes(gateway.ports.public, stage.ca);
    await load.during('calm', pace.phaseMs);
    load.phase = 'swaps';
    let refused = 0;
    for (let swap = 1; swap <= pace.swaps; swap += 1) {
      const broken = swap % BROKEN_EACH === 0;
      // What an upstream and a route are made of changes in turn; listeners, which hold the connections, do not.
      const good = stage.config({ slow_start_ms: swap, balancer: swap % 2 === 0 ? 'round_robin' : 'peak_ewma' });
      const outcome = broken ? 'outcome="refused"' : 'outcome="ok"';
      const before = await gateway.metrics();
      if (broken) refused += 1;
      await gateway.write(broken ? BROKEN[refused % BROKEN.length]!(good) : good);
      await stage.renew(broken);
      await gateway.risen('gatehouse_reloads_total', outcome, before('gatehouse_reloads_total', outcome));
      await gateway.risen(
        'gatehouse_certificate_loads_total',
        outcome,
        before('gatehouse_certificate_loads_total', outcome),
      );
    }
    await load.during('after', pace.phaseMs);
    await handshakes.stop();
    const tally = await load.stop();
    const { doubled } = stage.arrivals;
    const { made, failures, serials } = handshakes;
    return {
      tally,
      doubled,
      claims: [
        none('requests that failed', tally.failures.length),
        none(`of ${made + failures.length} new handshakes, failed`, failures.length),
        none('requests that came twice', doubled.length),
      ],
      numbers: {
        'configs and certificates': `${pace.swaps} of each, ${refused} of them refused`,
        'certificates that clients saw': serials.size,
        ...(failures.length > 0 && { handshakes: [...new Set(failures)].join('; ') }),
      },
    };
  },
};

import { Balancer } from '../balancer.ts';
import { none, type Scenario } from '../scenario.ts';
import { Stage } from '../stage.ts';

/** Two gateways behind a load balancer are replaced one after the other. */
export const gatewayEnds: Scenario = {
  name: 'gateway-ends',
  what: 'Two gateways behind a load balancer get SIGTERM one after the other, and are replaced',
  async run(pace) {
    await using stage = await Stage.open(pace);
    const config = stage.config();
    await using balancer = await Balancer.start([
      await stage.gateway(config, 'one'),
      await stage.gateway(config, 'two'),
    ]);
    const load = await stage.load(balancer);
    await load.during('calm', pace.phaseMs);
    let badEnds = 0;
    for (const [index, old] of [...balancer.gateways].entries()) {
      load.phase = `gateway ${index + 1} ends`;
      old.process.signal('SIGTERM');
      const { code } = await old.process.ended;
      if (code !== 0) badEnds += 1;
      await balancer.replace(old, await stage.gateway(config, `next-${index}`));
    }
    await load.during('after', pace.phaseMs);
    const tally = await load.stop();
    const { doubled } = stage.arrivals;
    return {
      tally,
      doubled,
      claims: [
        none('requests that failed', tally.failures.length),
        none('gateways that did not end with 0', badEnds),
        none('requests that came twice', doubled.length),
      ],
      numbers: { 'sent again by clients (GOAWAY, refused, closed while idle)': tally.resent },
    };
  },
};

import { type DnsAnswer, DnsServer } from '../../../test/support/dns-server.ts';
import { none, type Scenario } from '../scenario.ts';
import { Stage } from '../stage.ts';

const NAME = 'zitadel.test';

/** The answers of DNS change, are wrong, late or missing. */
export const names: Scenario = {
  name: 'names',
  what: 'DNS: endpoints come, go and flap; NXDOMAIN, SERVFAIL, a slow resolver, none at all',
  async run(pace) {
    await using dns = await DnsServer.start();
    await using stage = await Stage.open(pace, { samePort: true });
    const [one, two, three] = stage.pods.map(({ host }) => host) as [string, string, string];
    const { port } = stage.pods[0]!;
    const say = (answer: DnsAnswer | readonly string[]): void => dns.set(NAME, 'A', answer);
    say([one]);
    const gateway = await stage.gateway(
      stage.config({
        discovery: {
          dns: { name: NAME, port },
          address_family: 'ipv4',
          resolver: [dns.address],
          min_ttl_ms: 200,
          max_ttl_ms: 200,
          retry_max_ms: 500,
          timeout_ms: 300,
        },
      }),
    );
    const inUse = (...hosts: readonly string[]): Promise<void> => {
      const wanted = hosts
        .map((host) => `${host}:${port}`)
        .toSorted()
        .join();
      return gateway.until(
        (all) =>
          all
            .filter(({ used }) => used)
            .map(({ name }) => name)
            .toSorted()
            .join() === wanted,
      );
    };
    const load = await stage.load(gateway);
    await load.during('calm', pace.phaseMs);

    load.phase = 'two come';
    say([one, two, three]);
    await inUse(one, two, three);
    await load.run(pace.phaseMs / 2);
    load.phase = 'one goes';
    say([two, three]);
    await inUse(two, three);
    await stage.pods[0]!.end('SIGKILL');
    await load.run(pace.phaseMs / 2);

    load.phase = 'flapping';
    const flaps = Math.max(4, Math.round(pace.phaseMs / 250));
    for (let flap = 0; flap < flaps; flap += 1) {
      say(flap % 2 === 0 ? [two] : [three]);
      await load.run(250);
    }
    say([two, three]);
    await inUse(two, three);

    const never = Promise.withResolvers<void>();
    const slow = new Promise<void>((resolve) => setTimeout(resolve, pace.phaseMs / 2));
    const faults: readonly (readonly [phase: string, answer: DnsAnswer])[] = [
      ['NXDOMAIN', { code: 'NXDOMAIN' }],
      ['SERVFAIL', { code: 'SERVFAIL' }],
      ['an empty answer', { records: [] }],
      ['slow', { records: [two, three], after: slow }],
      ['no answer', { how: 'never', after: never.promise }],
    ];
    for (const [phase, answer] of faults) {
      const asked = dns.asked.length;
      say(answer);
      await load.during(phase, pace.phaseMs / 2);
      if (dns.asked.length === asked) throw new Error(`${phase}: nobody asked`);
      await inUse(two, three);
    }
    never.resolve();
    load.phase = 'well again';
    await stage.pods[0]!.start();
    say([one, two, three]);
    await inUse(one, two, three);
    await load.run(pace.phaseMs / 2);
    const tally = await load.stop();
    // Streams of the pod that was killed, though it had left before, may still have been there.
    const lost = tally.failures.filter((outcome) => outcome.safe || !stage.wasInFlight(outcome));
    const { doubled } = stage.arrivals;
    return {
      tally,
      doubled,
      claims: [
        none('requests that failed and were not in flight on a pod that ended', lost.length),
        none('requests that came twice', doubled.length),
      ],
      numbers: { 'questions to DNS': dns.asked.length },
    };
  },
};

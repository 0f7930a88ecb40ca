import { isIP } from 'node:net';
import { z } from 'zod';
import { endpoint, parseEndpoint } from '../address.ts';
import { hostProblem } from '../host.ts';
import { file } from './name.ts';

/** A DNS name; a dot at the end says that nothing is to be searched. */
const dnsName = z.string().superRefine((text, context) => {
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  if (name.includes('*') || isIP(name) !== 0 || hostProblem(name.toLowerCase()) !== undefined) {
    context.addIssue({ code: 'custom', message: 'expected a DNS name such as zitadel.zitadel.svc.cluster.local' });
  }
});

/** A DNS server: an address, with or without a port. */
const dnsServer = z.string().refine(
  (text) => {
    if (isIP(text) !== 0) return true;
    const host = parseEndpoint(text)?.host;
    return host !== undefined && isIP(host) !== 0;
  },
  { error: 'expected the address of a DNS server such as "10.96.0.10", "10.96.0.10:5353" or "[fd00::10]:53"' },
);

const weight = z.int().min(1).max(1000).default(1).describe('Share of the requests beside the other endpoints.');

/** An endpoint of a list: its address, or its address and its weight. */
export const listedEndpoint = z.union([
  endpoint,
  z.strictObject({
    address: endpoint.describe('Address as host:port.'),
    weight,
  }),
]);

/** How an endpoint of a list is written down. */
export type ListedEndpoint = z.output<typeof listedEndpoint>;

/** Where the endpoints of an upstream are found: exactly one of `dns`, `srv` and `file`. */
export const discovery = z
  .strictObject({
    dns: z
      .strictObject({
        name: dnsName.describe('Name whose A and AAAA records are the endpoints, as of a headless Service.'),
        port: z.int().min(1).max(65_535).describe('Port of all of them.'),
      })
      .optional()
      .describe('Every address of a name is an endpoint.'),
    srv: z
      .strictObject({
        name: dnsName.describe('Name of the SRV records, such as _http2._tcp.zitadel.zitadel.svc.cluster.local.'),
      })
      .optional()
      .describe('SRV records name targets, ports, weights; the lowest priority that has an address is used.'),
    file: file
      .optional()
      .describe('YAML or JSON file with a list of endpoints, as `endpoints` has it. Read again when it changes.'),
    address_family: z
      .enum(['any', 'ipv4', 'ipv6'])
      .default('any')
      .describe(
        'Which addresses are asked for. With `any` a pod that has both is two endpoints, each with its own health.',
      ),
    lookup: z
      .enum(['dns', 'system'])
      .default('dns')
      .describe(
        '`dns` asks DNS servers and knows TTLs; `system` asks the operating system (hosts file, mDNS), every `interval_ms`.',
      ),
    resolver: z
      .array(dnsServer)
      .max(8)
      .default([])
      .describe('DNS servers to ask; by default those of /etc/resolv.conf, with its search list.'),
    min_ttl_ms: z
      .int()
      .min(100)
      .max(3_600_000)
      .default(1000)
      .describe('A TTL below this counts as this, in milliseconds.'),
    max_ttl_ms: z
      .int()
      .min(100)
      .max(86_400_000)
      .default(30_000)
      .describe('A TTL above this counts as this, in milliseconds.'),
    interval_ms: z
      .int()
      .min(100)
      .max(86_400_000)
      .default(5000)
      .describe(
        'How often is asked where no TTL is known (`lookup: system`), and with `srv` at the least, in milliseconds.',
      ),
    retry_max_ms: z
      .int()
      .min(250)
      .max(3_600_000)
      .default(1000)
      .describe(
        'After failures it is asked again after 250 ms, then half as often each time, up to this; milliseconds.',
      ),
    timeout_ms: z
      .int()
      .min(50)
      .max(60_000)
      .default(2000)
      .describe('How long one look may take before it counts as failed, in milliseconds.'),
    max_endpoints: z
      .int()
      .min(1)
      .max(4096)
      .default(256)
      .describe('Endpoints beyond this number are left out, and a file with more is refused.'),
  })
  .superRefine(({ dns, srv, file: path }, context) => {
    const given = [dns, srv, path].filter((one) => one !== undefined).length;
    if (given !== 1) context.addIssue({ code: 'custom', message: 'expected exactly one of dns, srv and file' });
  });

/** How a discovery is written down. */
export type DiscoveryConfig = z.output<typeof discovery>;

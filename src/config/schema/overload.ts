import { z } from 'zod';
import { PRIORITIES } from '../../limits/overload/priority.ts';
import { name } from './name.ts';

/** Who is refused first when the gateway or an upstream has more to do than it can. */
export const overload = z.strictObject({
  priorities: z
    .record(name, z.enum(['exempt', ...PRIORITIES]))
    .default({})
    .describe(
      'How important the requests of a limit class are, over what the preset says; `normal` where nobody says. `low` is refused first, `critical` last, `exempt` never.',
    ),
  event_loop_delay_ms: z
    .int()
    .min(0)
    .max(10_000)
    .default(200)
    .describe(
      'Delay of the event loop of a worker, the median of a second, from which it refuses requests, the least important first, in milliseconds; 0 for never.',
    ),
  memory_percent: z
    .int()
    .min(0)
    .max(100)
    .default(90)
    .describe(
      'Share of the heap limit or of the memory limit of the container from which a worker trims its cache and refuses big bodies and new connections, in percent; 0 for never.',
    ),
  big_body_bytes: z
    .int()
    .min(1)
    .max(1_073_741_824)
    .default(1_048_576)
    .describe('Bodies that are refused then: from this size on, in bytes, and those that do not tell theirs.'),
  retry_after_s: z.int().min(1).max(3600).default(2).describe('What Retry-After tells a refused client, in seconds.'),
});

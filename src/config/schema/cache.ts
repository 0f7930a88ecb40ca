import { z } from 'zod';

const MIB = 1024 * 1024;

/** What all `cache` policies share: the memory that stored answers take, and where they outlive the process. */
export const cache = z
  .strictObject({
    memory_bytes: z
      .int()
      .min(MIB)
      .max(64 * 1024 * MIB)
      .default(256 * MIB)
      .describe(
        'How much memory stored answers take with all that belongs to them, in bytes. What was used last stays. An eighth comes on top for quick codings, until the best ones are made.',
      ),
    max_entry_bytes: z
      .int()
      .min(1024)
      .max(1024 * MIB)
      .default(16 * MIB)
      .describe('The largest answer that is stored, its codings included, in bytes. Larger ones pass through.'),
    disk: z
      .strictObject({
        directory: z
          .string()
          .min(1)
          .max(4096)
          .describe('A directory for nothing else, which the process may write. It is made where it is missing.'),
        max_bytes: z
          .int()
          .min(MIB)
          .max(1024 * 1024 * MIB)
          .default(1024 * MIB)
          .describe('How much of the disk it takes, in bytes.'),
      })
      .optional()
      .describe('Keeps stored answers over restarts; without it a process starts with an empty store.'),
    warm_hosts: z
      .array(z.string().min(1).max(255))
      .max(1000)
      .default([])
      .describe(
        'Hosts, with the port where clients send one, for which the page of a `single_page_app` and what it loads are fetched at the start.',
      ),
  })
  .refine(({ memory_bytes, max_entry_bytes }) => max_entry_bytes <= memory_bytes, {
    error: 'expected max_entry_bytes not to be above memory_bytes',
    path: ['max_entry_bytes'],
  });

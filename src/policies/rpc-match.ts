import { z } from 'zod';
import { rpcPattern } from '../rpc/pattern.ts';

/** A pattern of RPC names as a config has it; see `rpcPattern`. */
export const rpcMatch = z
  .string()
  .max(200)
  .superRefine((text, context) => {
    try {
      rpcPattern(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
    }
  });

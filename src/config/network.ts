import { z } from 'zod';
import { parseNetwork } from '../networks/network.ts';

export { parseNetwork } from '../networks/network.ts';

/** A network in the schema: text, checked by `parseNetwork`. */
export const network = z.string().superRefine((text, context) => {
  try {
    parseNetwork(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message });
  }
});

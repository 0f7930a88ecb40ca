import type { Preset } from './preset.ts';
import { zitadel } from './zitadel.ts';

/** The presets by name. */
export const PRESETS = {
  zitadel,
  none: { classes: {}, routes: () => [] },
} as const satisfies Record<string, Preset>;

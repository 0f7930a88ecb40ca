/** The list of HTTP/2 engines. */

import type { EngineFactory } from './engine.ts';
import { framesEngine } from './frames/engine.ts';
import { nodeEngine } from './node.ts';

/** All engines, by the name that the config has for them. */
export const ENGINES = { node: nodeEngine, frames: framesEngine } satisfies Record<string, EngineFactory>;

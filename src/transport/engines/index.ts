/** The list of HTTP/2 engines. */

import type { EngineFactory } from './engine.ts';
import { nodeEngine } from './node.ts';

export const ENGINES = { node: nodeEngine } satisfies Record<string, EngineFactory>;

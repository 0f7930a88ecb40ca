import { ENGINES } from '../../src/transport/engines/index.ts';
import { engineContract } from './engine.ts';

for (const [name, engine] of Object.entries(ENGINES)) engineContract(name, engine);

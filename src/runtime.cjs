// Says in plain words when the Node that runs the scripts is too old. Plain JavaScript that any Node can read:
// the sources are TypeScript, and an old Node would only say "Unexpected token".
'use strict';

// Not `engines`: npm would warn everybody whose own Node is older, and it is not the one that runs.
const { devEngines, optionalDependencies } = require('../package.json');

const { version } = devEngines.runtime;
const needed = version
  .replace(/[^\d.]/g, '')
  .split('.')
  .map(Number);
const found = process.versions.node.split('.').map(Number);
const enough = found[0] > needed[0] || (found[0] === needed[0] && found[1] >= needed[1]);

if (!enough) {
  const platform = `${process.platform}-${process.arch}`;
  const pinned = Object.keys(optionalDependencies).filter((name) => name.indexOf('node-') === 0);
  console.error(`Gatehouse needs Node ${version}, found ${process.versions.node} (${process.execPath}).`);
  console.error(`npm installs a fitting Node beside the project on ${pinned.join(', ')}; this is ${platform}.`);
  console.error(`If it is one of them: run \`npm ci\` without --omit=optional. Otherwise install Node ${version}.`);
  process.exit(1);
}

// Following the config: as editors write it, as Kubernetes swaps it, and through folders that vanish.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ConfigWatch } from '../../src/config/watch.ts';
import { systemClock } from '../../src/core/clock.ts';

const ROOT = mkdtempSync(join(tmpdir(), 'gatehouse-watch-'));
after(() => rmSync(ROOT, { recursive: true, force: true }));

/** Looks at files ten times as often as the house does. */
const HASTY = { ...systemClock, after: (ms: number, callback: () => void) => systemClock.after(ms / 10, callback) };

function watched(file: string) {
  let changes = 0;
  let waiting: (() => void) | undefined;
  const watch = new ConfigWatch(HASTY, () => {
    changes += 1;
    waiting?.();
  });
  watch.follow([file]);
  return {
    watch,
    [Symbol.dispose]: () => watch[Symbol.dispose](),
    get changes() {
      return changes;
    },
    /** The next change, which must come. */
    async next(change: () => void): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      // Keeps the process alive while nothing but timers of the house is there.
      const alive = setInterval(() => {}, 1000);
      waiting = resolve;
      change();
      await promise;
      clearInterval(alive);
    },
  };
}

function folder(name: string): string {
  const path = join(ROOT, name);
  mkdirSync(path);
  return path;
}

test('a file that is written in place is told once it is at rest', async () => {
  const file = join(folder('plain'), 'gateway.yaml');
  writeFileSync(file, 'a');
  using watch = watched(file);
  await watch.next(() => {
    writeFileSync(file, 'half');
    writeFileSync(file, 'whole text');
  });
  assert.equal(watch.changes, 1);
});

test('a file that an editor renames into its place is told, each time', async () => {
  const at = folder('editor');
  const file = join(at, 'gateway.yaml');
  writeFileSync(file, 'a');
  using watch = watched(file);
  for (const text of ['bb', 'ccc']) {
    await watch.next(() => {
      writeFileSync(join(at, '.gateway.yaml.swp'), text);
      renameSync(join(at, '.gateway.yaml.swp'), file);
    });
  }
  assert.equal(watch.changes, 2);
});

test('a ConfigMap whose ..data link is swapped is told, each time', async () => {
  const at = folder('configmap');
  mkdirSync(join(at, '..v0'));
  writeFileSync(join(at, '..v0', 'gateway.yaml'), 'v0');
  symlinkSync('..v0', join(at, '..data'));
  symlinkSync(join('..data', 'gateway.yaml'), join(at, 'gateway.yaml'));
  using watch = watched(join(at, 'gateway.yaml'));
  for (const version of [1, 2]) {
    await watch.next(() => {
      mkdirSync(join(at, `..v${version}`));
      writeFileSync(join(at, `..v${version}`, 'gateway.yaml'), `v${version}`);
      symlinkSync(`..v${version}`, join(at, '..data_tmp'));
      renameSync(join(at, '..data_tmp'), join(at, '..data'));
      rmSync(join(at, `..v${version - 1}`), { recursive: true });
    });
  }
  assert.equal(watch.changes, 2);
});

test('a folder that vanishes and comes back is followed again', async () => {
  const at = folder('vanishing');
  const file = join(at, 'gateway.yaml');
  writeFileSync(file, 'a');
  using watch = watched(file);
  await watch.next(() => rmSync(at, { recursive: true }));
  await watch.next(() => {
    mkdirSync(at);
    writeFileSync(file, 'bb');
  });
  await watch.next(() => writeFileSync(file, 'ccc'));
});

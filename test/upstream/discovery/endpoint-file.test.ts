// A file of endpoints: it is followed, and one that cannot be used changes nothing.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseEndpointFile } from '../../../src/config/endpoints.ts';
import { EndpointFile } from '../../../src/upstream/discovery/endpoint-file.ts';
import { HandClock } from '../../support/hand-clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-endpoints-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let folders = 0;
const newFolder = (): string => {
  folders += 1;
  const made = join(folder, String(folders));
  mkdirSync(made);
  return made;
};

function started(file: string) {
  const clock = new HandClock();
  const told: string[] = [];
  const discovery = new EndpointFile({
    file,
    clock,
    parse: (text, name) => parseEndpointFile(text, name, 3),
    told: {
      onChanged: ({ added, removed }) => told.push(`+${added} -${removed}`),
      onFailed: (problem, kept) => told.push(`${problem}, kept ${kept}`),
      onRecovered: (endpoints) => told.push(`recovered ${endpoints}`),
    },
  });
  const sets: string[][] = [];
  discovery.listen((specs) => sets.push(specs.map(({ address }) => address)));
  discovery.start();
  /** The file is looked at, and once more when it had time to settle. */
  const look = (): void => {
    clock.pass(10_000);
    clock.pass(50);
  };
  return { discovery, told, sets, look };
}

test('the endpoints are there at once, and others when the file has others', () => {
  const file = join(newFolder(), 'pods.yaml');
  writeFileSync(file, '- a:1\n');
  const { discovery, sets, look } = started(file);
  using _ = discovery;
  assert.deepEqual(discovery.specs, [{ address: 'a:1', weight: 1 }]);
  writeFileSync(file, '- a:1\n- { address: b:1, weight: 3 }\n');
  look();
  assert.deepEqual(sets, [['a:1'], ['a:1', 'b:1']]);
  assert.equal(discovery.specs[1]?.weight, 3);
});

test('a broken, an empty, a too large and a missing file keep the set, and are told with their place', () => {
  const file = join(newFolder(), 'pods.yaml');
  writeFileSync(file, '- a:1\n');
  const { discovery, told, sets, look } = started(file);
  using _ = discovery;
  for (const text of ['- a:1\n- b\n', '', '- a:1\n- b:1\n- c:1\n- d:1\n', `#${'x'.repeat(1_048_576)}`]) {
    writeFileSync(file, text);
    look();
  }
  unlinkSync(file);
  look();
  assert.deepEqual(sets, [['a:1']]);
  const [, place, empty, many, large, missing] = told;
  assert.match(place!, /pods\.yaml:2:3: \[1\]: expected host:port.*, kept 1$/);
  assert.match(empty!, /pods\.yaml:1:1: expected a list of endpoints/);
  assert.match(many!, /pods\.yaml:1:1: /);
  assert.match(large!, /pods\.yaml: has 1048577 bytes, expected 1048576 at most/);
  assert.match(missing!, /pods\.yaml: cannot be read \(ENOENT\)/);
  writeFileSync(file, '- a:1\n');
  look();
  assert.equal(told.at(-1), 'recovered 1');
});

test('a ConfigMap of Kubernetes is followed: the file is a link through a link that is swapped', () => {
  const mount = newFolder();
  const version = (name: string, text: string): void => {
    mkdirSync(join(mount, name));
    writeFileSync(join(mount, name, 'pods.yaml'), text);
  };
  version('..1', '- a:1\n');
  symlinkSync('..1', join(mount, '..data'));
  symlinkSync('..data/pods.yaml', join(mount, 'pods.yaml'));
  const { discovery, sets, look } = started(join(mount, 'pods.yaml'));
  using _ = discovery;
  version('..2', '- b:1\n');
  symlinkSync('..2', join(mount, '..data_tmp'));
  renameSync(join(mount, '..data_tmp'), join(mount, '..data'));
  rmSync(join(mount, '..1'), { recursive: true });
  look();
  assert.deepEqual(sets, [['a:1'], ['b:1']]);
});

test('a file that cannot be used at the start is refused', () => {
  assert.throws(() => started(join(folder, 'none.yaml')), /none\.yaml: cannot be read \(ENOENT\)/);
  assert.throws(() => started(folder), /is no file/);
});

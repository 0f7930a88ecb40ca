// Reloads in a row: never two at once, the last one wins, and what is broken changes nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Loaded } from '../../src/config/load.ts';
import { Reloads } from '../../src/process/reload.ts';
import { testConfig } from '../support/gateway.ts';
import { HandClock } from '../support/hand-clock.ts';
import { until } from '../support/until.ts';

function staged(file = '/nowhere/gateway.yaml') {
  const base = testConfig({});
  const said: string[] = [];
  const gates: PromiseWithResolvers<void>[] = [];
  const state = { text: 'a', broken: false, gated: false };
  const loaded = (): Loaded => ({ file, config: { ...base, hosts: [state.text] }, routes: [], warnings: [] });
  const reloads = new Reloads({
    clock: new HandClock(),
    file,
    config: { ...base, hosts: [state.text] },
    async load() {
      said.push(`load ${state.text}`);
      if (state.broken) throw new Error(`${file}:3:1: broken`);
      return loaded();
    },
    readText: () => '',
    async putInForce({ config }) {
      if (state.gated) {
        const gate = Promise.withResolvers<void>();
        gates.push(gate);
        await gate.promise;
      }
      said.push(`in force ${config.hosts[0]}`);
    },
    onRefused: (problems) => said.push(`refused ${problems}`),
  });
  return { reloads, said, gates, state };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('what is asked for while one is running waits, and is one: it reads what is there by then', async () => {
  const { reloads, said, gates, state } = staged();
  state.gated = true;
  state.text = 'b';
  const first = reloads.again('signal');
  await until(() => gates.length > 0);
  state.text = 'c';
  const second = reloads.again('admin');
  assert.equal(reloads.again('signal'), second);
  state.text = 'd';
  await turn();
  assert.deepEqual(said, ['load b']);
  gates[0]!.resolve();
  await first;
  await until(() => gates.length > 1);
  gates[1]!.resolve();
  await second;
  assert.deepEqual(said, ['load b', 'in force b', 'load d', 'in force d']);
});

test('a broken one is told with its place and changes nothing; the next good one is in force', async () => {
  const { reloads, said, state } = staged();
  state.broken = true;
  await assert.rejects(reloads.again('watch'), /:3:1: broken/);
  assert.match(reloads.status().rejected!, /:3:1: broken/);
  state.broken = false;
  await reloads.again('watch');
  assert.equal(reloads.status().rejected, undefined);
  assert.deepEqual(said.slice(-2), ['load a', 'in force a']);
});

test('a file that is written again with the same text changes nothing; whoever asks for a reload gets one', async () => {
  const { reloads, said } = staged();
  await reloads.watch([]);
  assert.deepEqual(said, ['load a']);
  await reloads.again('watch');
  assert.deepEqual(said, ['load a', 'load a']);
  await reloads.again('signal');
  assert.deepEqual(said.at(-1), 'in force a');
  reloads[Symbol.dispose]();
});

// Memory is short before the process dies of it. Limits of V8 by thread, of the container for the process.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryPressure } from '../../../src/limits/overload/memory-pressure.ts';

const GIB = 2 ** 30;
const figures = (heapUsed: number, resident: number, constrained = GIB) => ({
  heapUsed: heapUsed * GIB,
  heapLimit: GIB,
  resident: resident * GIB,
  constrained,
});

test('the fuller of heap and container counts', () => {
  const pressure = new MemoryPressure(90);
  assert.equal(pressure.observe(figures(0.5, 0.5)), false);
  assert.equal(pressure.short, false);
  assert.equal(pressure.observe(figures(0.5, 0.91)), true);
  assert.deepEqual([pressure.short, pressure.of], [true, 'container']);
  pressure.observe(figures(0.1, 0.1));
  pressure.observe(figures(0.95, 0.1));
  assert.deepEqual([pressure.short, pressure.of], [true, 'heap']);
});

test('it is over 5 percent below where it began', () => {
  const pressure = new MemoryPressure(90);
  pressure.observe(figures(0.9, 0));
  assert.equal(pressure.observe(figures(0.86, 0)), false);
  assert.equal(pressure.short, true);
  assert.equal(pressure.observe(figures(0.84, 0)), true);
  assert.equal(pressure.short, false);
});

for (const [name, constrained] of [
  ['no limit', 0],
  ['a limit of 16 EiB, as cgroups write none', 2 ** 64],
] as const) {
  test(`a container with ${name} is never full`, () => {
    const pressure = new MemoryPressure(1);
    pressure.observe(figures(0, 64, constrained));
    assert.equal(pressure.short, false);
  });
}

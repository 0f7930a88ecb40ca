import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sharedMarks } from '../../src/limits/marks.ts';
import { SharedTable } from '../../src/limits/shared-table.ts';

const memory = (slots: number) => SharedTable.allocate(slots, (words) => words.set([7, 9]));

test('a mark holds until its time, a later time wins, and every thread sees it', () => {
  const shared = memory(1024);
  const [one, other] = [sharedMarks(new SharedTable(shared, 1)), sharedMarks(new SharedTable(shared, 2))];
  one.set('a', 200, 100);
  other.set('a', 150, 100);
  assert.deepEqual(
    [one.has('a', 199), other.has('a', 199), one.has('a', 200), one.has('b', 100)],
    [true, true, false, false],
  );
});

test('where the table is full the marks that would be over first are forgotten', () => {
  const marks = sharedMarks(new SharedTable(memory(64), 1));
  marks.set('long', 1_000_000, 0);
  for (let i = 0; i < 1000; i += 1) marks.set(`short-${i}`, 1000, 0);
  assert.equal(marks.has('long', 10), true);
});

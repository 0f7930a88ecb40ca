/** What a sampling heap profile of V8 says: who allocates, by place, by function alone, by function of the gateway. */

import { type CallFrame, frameName, framePlace, shareTable } from './profile-table.ts';

/** A profile as the inspector gives it, and as developer tools open it (`.heapprofile`). */
export interface HeapProfile {
  readonly head: HeapNode;
}

interface HeapNode {
  readonly callFrame: CallFrame;
  /** Bytes, estimated from the samples. */
  readonly selfSize: number;
  readonly children: readonly HeapNode[];
}

/** Three tables, in percent of what was allocated; `answers` makes bytes an answer of it. */
export function heapTables({ head }: HeapProfile, answers: number): string[] {
  const [places, alone, own] = [new Map<string, number>(), new Map<string, number>(), new Map<string, number>()];
  const add = (to: Map<string, number>, name: string, bytes: number): void =>
    void to.set(name, (to.get(name) ?? 0) + bytes);
  let all = 0;
  const walk = ({ callFrame, selfSize, children }: HeapNode, above: string): void => {
    const nearest = /\/src\//.test(callFrame.url) ? frameName(callFrame) : above;
    if (selfSize > 0) {
      all += selfSize;
      add(places, framePlace(callFrame), selfSize);
      add(alone, frameName(callFrame), selfSize);
      add(own, nearest, selfSize);
    }
    for (const child of children) walk(child, nearest);
  };
  walk(head, '(none of the gateway)');
  const each = (bytes: number): string => `${(bytes / answers).toFixed(0).padStart(7)} B`;
  return [
    `${Math.round(all / answers)} bytes of the heap for an answer`,
    ...shareTable('By place', places, all, each),
    ...shareTable('By function, alone', alone, all, each),
    ...shareTable('By function of the gateway, with what it calls elsewhere', own, all, each),
  ];
}

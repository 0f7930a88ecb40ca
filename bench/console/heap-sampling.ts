/**
 * Loaded into the program that is measured (`--import=file:///…/heap-sampling.ts?to=FILE`): at the first SIGUSR2 V8 begins to
 * sample what is allocated, and at the second one the profile is written to FILE.
 */

import { renameSync, writeFileSync } from 'node:fs';
import inspector from 'node:inspector';

/** Bytes between two samples, on average. */
const INTERVAL_BYTES = 16 * 1024;

const file = new URL(import.meta.url).searchParams.get('to');
if (file === null) throw new Error('heap-sampling.ts: expected ?to=FILE');
const session = new inspector.Session();
session.connect();
const samplings = {
  // Garbage too: `--heap-prof` shows what lives at the end only.
  samplingInterval: INTERVAL_BYTES,
  includeObjectsCollectedByMajorGC: true,
  includeObjectsCollectedByMinorGC: true,
};
process.once('SIGUSR2', () => {
  session.post('HeapProfiler.startSampling', samplings as inspector.HeapProfiler.StartSamplingParameterType);
  process.once('SIGUSR2', () => {
    session.post('HeapProfiler.stopSampling', (error, result) => {
      if (error !== null) throw error;
      // Who waits for the file sees a whole one.
      writeFileSync(`${file}.part`, JSON.stringify(result.profile));
      renameSync(`${file}.part`, file);
    });
  });
});

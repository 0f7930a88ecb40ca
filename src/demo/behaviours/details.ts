import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { IDS, type State } from '../state.ts';

/** When the instance of the stand-in was set up. */
export const SET_UP = timestampFromDate(new Date('2026-01-05T08:00:00Z'));

/** The `details` of an object that has not changed since the instance was set up. */
export function details() {
  return { sequence: 1n, creationDate: SET_UP, changeDate: SET_UP, resourceOwner: IDS.organization };
}

/** The `details` of an object that has just changed. */
export function changed(state: State) {
  return { ...details(), sequence: 2n, changeDate: timestampFromDate(state.now()) };
}

/** The `details` of a list that is whole. */
export function listDetails(total: number) {
  return { totalResult: BigInt(total), processedSequence: 1n };
}

/** The languages that ZITADEL speaks. */
export const LANGUAGES = ['de', 'en', 'es', 'fr', 'it', 'ja', 'pl', 'pt', 'zh'];

/** What a client says first, RFC 9113 section 3.4. */

import type { Outbox } from '../../http2/outbox.ts';
import { DEFAULT_WINDOW_BYTES, FrameType, PREFACE, SettingId } from '../../http2/protocol.ts';
import { settingsPayload } from '../../http2/settings.ts';
import type { PoolSettings } from '../pool.ts';

/** The preface, our SETTINGS, and the window of the session. */
export function greet(
  outbox: Outbox,
  {
    streamWindowBytes,
    sessionWindowBytes,
    maxAnswerHeaderBytes,
  }: Pick<PoolSettings, 'streamWindowBytes' | 'sessionWindowBytes' | 'maxAnswerHeaderBytes'>,
): void {
  outbox.preface(PREFACE);
  const settings = settingsPayload([
    [SettingId.ENABLE_PUSH, 0],
    [SettingId.INITIAL_WINDOW_SIZE, streamWindowBytes],
    [SettingId.MAX_HEADER_LIST_SIZE, maxAnswerHeaderBytes],
  ]);
  outbox.control(FrameType.SETTINGS, 0, 0, settings);
  const more = sessionWindowBytes - DEFAULT_WINDOW_BYTES;
  if (more > 0) outbox.number(FrameType.WINDOW_UPDATE, 0, more);
}

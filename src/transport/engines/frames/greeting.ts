/** What a server says first, RFC 9113 section 3.4. */

import type { Outbox } from '../../../http2/outbox.ts';
import { DEFAULT_WINDOW_BYTES, FrameType, SettingId } from '../../../http2/protocol.ts';
import { settingsPayload } from '../../../http2/settings.ts';
import type { EngineLimits } from '../engine.ts';

/** Our SETTINGS, and the window of the connection. RFC 8441 is not offered: WebSocket comes over HTTP/1.1. */
export function greet(outbox: Outbox, limits: EngineLimits): void {
  const settings = settingsPayload([
    [SettingId.ENABLE_PUSH, 0],
    [SettingId.MAX_CONCURRENT_STREAMS, limits.maxConcurrentStreams],
    [SettingId.INITIAL_WINDOW_SIZE, limits.streamWindowBytes],
    [SettingId.MAX_HEADER_LIST_SIZE, limits.maxHeaderBytes + limits.maxUrlBytes],
  ]);
  outbox.control(FrameType.SETTINGS, 0, 0, settings);
  const more = limits.connectionWindowBytes - DEFAULT_WINDOW_BYTES;
  if (more > 0) outbox.number(FrameType.WINDOW_UPDATE, 0, more);
}

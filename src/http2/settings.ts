/** SETTINGS as frames, RFC 9113 section 6.5. */

import type { Outbox } from './outbox.ts';
import { ConnectionError, DEFAULT_WINDOW_BYTES, FrameType, MAX_31, SettingId } from './protocol.ts';

/** Settings of one frame; there are six, and a peer that sends many more has us look at them for nothing. */
const MOST_SETTINGS = 32;

/** Identifier and value, as bytes. */
export function settingsPayload(settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const bytes = Buffer.alloc(6 * settings.length);
  settings.forEach(([id, value], index) => {
    bytes.writeUInt16BE(id, 6 * index);
    bytes.writeUInt32BE(value, 6 * index + 2);
  });
  return bytes;
}

/** Says what we want: SETTINGS, and how large the window of the connection is, in bytes, where it is above the default. */
export function announce(
  outbox: Outbox,
  settings: readonly (readonly [id: number, value: number])[],
  connectionWindowBytes: number,
): void {
  outbox.control(FrameType.SETTINGS, 0, 0, settingsPayload(settings));
  const more = connectionWindowBytes - DEFAULT_WINDOW_BYTES;
  if (more > 0) outbox.number(FrameType.WINDOW_UPDATE, 0, more);
}

/** Reads the settings of a peer; ConnectionError where a value is none. */
export function readSettings(bytes: Buffer, start: number, end: number, on: (id: number, value: number) => void): void {
  if ((end - start) % 6 !== 0) throw new ConnectionError('FRAME_SIZE_ERROR', 'SETTINGS of no whole settings');
  if (end - start > 6 * MOST_SETTINGS)
    throw new ConnectionError('ENHANCE_YOUR_CALM', 'a SETTINGS frame of many settings');
  for (let at = start; at < end; at += 6) {
    const id = bytes.readUInt16BE(at);
    const value = bytes.readUInt32BE(at + 2);
    if (id === SettingId.INITIAL_WINDOW_SIZE && value > MAX_31) {
      throw new ConnectionError('FLOW_CONTROL_ERROR', 'SETTINGS_INITIAL_WINDOW_SIZE above 2^31-1');
    }
    if (id === SettingId.ENABLE_PUSH && value > 1) {
      throw new ConnectionError('PROTOCOL_ERROR', 'SETTINGS_ENABLE_PUSH is neither 0 nor 1');
    }
    if (id === SettingId.MAX_FRAME_SIZE && (value < 16_384 || value > 16_777_215)) {
      throw new ConnectionError('PROTOCOL_ERROR', 'SETTINGS_MAX_FRAME_SIZE is out of range');
    }
    on(id, value);
  }
}

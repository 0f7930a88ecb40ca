import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StreamKind } from './stream.ts';

/** What only HTTP/2 can say. */
export function http2Contract(kind: StreamKind): void {
  for (const code of [0, 1, 2, 7, 8, 11]) {
    test(`RST_STREAM ${code} in the middle of a message is a reset with that code, never an end`, async () => {
      await using opened = await kind.open();
      const { stream, told, peer } = opened;
      stream.resume();
      peer.send('half');
      await told.until(() => told.body === 'half');
      peer.reset(code);
      await told.seen('close');
      assert.deepEqual(told.events, ['data', 'reset', 'close']);
      assert.equal(told.resets[0]!.code, code);
      assert.equal(told.resets[0]!.by, 'peer');
      assert.equal(told.resets[0]!.unprocessed, code === 7);
    });

    test(`RST_STREAM ${code} while the reader is paused is a reset, never an end`, async () => {
      await using opened = await kind.open();
      const { stream, told, peer } = opened;
      peer.send('half');
      peer.reset(code);
      await peer.settled();
      stream.resume();
      await told.seen('close');
      assert.deepEqual(told.events.slice(-2), ['reset', 'close']);
      assert.ok(!told.events.includes('end'));
    });

    test(`reset(${code}) from here is RST_STREAM ${code} on the wire and no END_STREAM before it`, async () => {
      await using opened = await kind.open();
      const { stream, peer } = opened;
      stream.resume();
      stream.write(Buffer.from('xxxx'));
      await peer.received(4);
      stream.reset(code);
      assert.equal(await peer.ending(), `reset ${code}`);
    });
  }

  if (kind.upstream) {
    test('END_STREAM with RST_STREAM(NO_ERROR) right behind it is an end first: RFC 9113 section 8.1', async () => {
      await using opened = await kind.open();
      const { stream, told, peer } = opened;
      peer.send('whole');
      peer.end();
      peer.reset(0);
      await peer.settled();
      stream.resume();
      await told.seen('close');
      assert.deepEqual(told.events, ['data', 'end', 'reset', 'close']);
      assert.equal(told.body, 'whole');
    });
  }

  test('a peer that has ended may still reset: told after the end', async () => {
    await using opened = await kind.open();
    const { stream, told, peer } = opened;
    stream.resume();
    peer.end();
    await told.seen('end');
    peer.reset(8);
    await told.seen('close');
    assert.deepEqual(told.events, ['end', 'reset', 'close']);
    assert.equal(told.resets[0]!.code, 8);
  });

  test('our message may end long before the peer has ended', async () => {
    await using opened = await kind.open();
    const { stream, told, peer } = opened;
    stream.resume();
    stream.end();
    // A server that has answered stops the upload; a client that has asked waits for the answer.
    const ending = await peer.ending();
    assert.equal(ending, 'end');
    assert.ok(!told.events.includes('end'));
  });

  test('reset after our end is still a reset', async () => {
    await using opened = await kind.open();
    const { stream, told, peer } = opened;
    peer.stall();
    stream.write(Buffer.alloc(1 << 20));
    stream.end(['x-late', '1']);
    stream.reset(8);
    await told.seen('close');
    assert.equal(await peer.ending(), 'reset 8');
  });

  test('trailers that cannot be said reset the stream and leave the process alone', async () => {
    await using opened = await kind.open();
    const { stream, peer } = opened;
    stream.resume();
    stream.write(Buffer.from('body'));
    stream.end(['content-type', 'a/b', 'content-type', 'c/d']);
    assert.equal(await peer.ending(), 'reset 2');
  });
}

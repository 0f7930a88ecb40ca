/** The body of `application/grpc-web-text`: base64, in which padding may stand wherever a frame was flushed. */
export async function* decodedText(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let rest = '';
  for await (const chunk of body) {
    rest += Buffer.from(chunk).toString('latin1');
    const whole = rest.length - (rest.length % 4);
    if (whole > 0) yield decodedGroups(rest.slice(0, whole));
    rest = rest.slice(whole);
  }
  if (rest !== '') yield decodedGroups(rest);
}

/** The same on the way out: each chunk is encoded by itself, as improbable-eng/grpc-web does at each flush. */
export async function* encodedText(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const chunk of body) yield Buffer.from(Buffer.from(chunk).toString('base64'), 'latin1');
}

function decodedGroups(text: string): Buffer {
  return Buffer.concat(text.split(/(?<=[^=]=+)(?=[^=])/).map((part) => Buffer.from(part, 'base64')));
}

// Server reflection, by a bidirectional stream, and the health service with its Watch.
// Harm: `grpcurl host zitadel.admin.v1.AdminService/Healthz` is what ZITADEL's own smoke test asks of a proxy.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { create, createFileRegistry, type DescFile, fromBinary, toBinary, toJson } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { HealthService } from '../../src/demo/rpc/health.ts';
import { REFLECTION_V1, REFLECTION_V1ALPHA, reflectionMessages } from '../../src/demo/rpc/reflection.ts';
import { startStandIn } from '../../src/demo/stand-in.ts';

const standIn = await startStandIn();
after(() => standIn.close());

/** A reflection stream that can be asked one thing after the other. */
function reflect(client: Client, file: DescFile) {
  const { request, response } = reflectionMessages(file);
  const path = `/${file.services[0]!.typeName}/ServerReflectionInfo`;
  const stream = client.makeBidiStreamRequest(
    path,
    (message: Uint8Array) => Buffer.from(message),
    (bytes: Buffer) => fromBinary(response, bytes),
    new Metadata(),
    {},
  );
  const answers = stream[Symbol.asyncIterator]();
  return {
    async ask(question: object) {
      stream.write(toBinary(request, create(request, { host: 'h', messageRequest: question as never })));
      const { value } = await answers.next();
      return value.messageResponse as { case: string; value: never };
    },
    end: () => stream.end(),
    async ended() {
      const { done } = await answers.next();
      return done;
    },
  };
}

/** The order that protobuf-es wants; reflection gives the file asked for first. */
function dependenciesFirst(files: readonly FileDescriptorProto[]): FileDescriptorProto[] {
  const sorted = new Set<FileDescriptorProto>();
  const add = (file: FileDescriptorProto | undefined) => {
    assert.ok(file, 'a dependency is missing');
    for (const name of file.dependency) add(files.find((candidate) => candidate.name === name));
    sorted.add(file);
  };
  add(files[0]);
  assert.equal(sorted.size, files.length);
  return [...sorted];
}

for (const file of [REFLECTION_V1, REFLECTION_V1ALPHA]) {
  test(`14: ${file.services[0]!.typeName} tells enough to call a method it was only named`, async () => {
    const client = new Client(`127.0.0.1:${standIn.port}`, credentials.createInsecure());
    const reflection = reflect(client, file);

    // 1. The services are listed.
    const listed = await reflection.ask({ case: 'listServices', value: '' });
    const names = (listed.value as { service: { name: string }[] }).service.map(({ name }) => name);
    assert.ok(names.includes('zitadel.admin.v1.AdminService'));
    assert.ok(names.includes('zitadel.session.v2.SessionService'));

    // 2. The same stream is asked for the file of a symbol, and gives it with all it depends on.
    const found = await reflection.ask({ case: 'fileContainingSymbol', value: 'zitadel.admin.v1.AdminService' });
    assert.equal(found.case, 'fileDescriptorResponse');
    const files = (found.value as { fileDescriptorProto: Uint8Array[] }).fileDescriptorProto.map((bytes) =>
      fromBinary(FileDescriptorProtoSchema, bytes),
    );
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: dependenciesFirst(files) }));
    const method = registry.getService('zitadel.admin.v1.AdminService')!.method.healthz!;

    // 3. What it does not know it says, and goes on.
    const missing = await reflection.ask({ case: 'fileContainingSymbol', value: 'no.such.Symbol' });
    assert.deepEqual([missing.case, (missing.value as { errorCode: number }).errorCode], ['errorResponse', 5]);
    const byFile = await reflection.ask({ case: 'fileByFilename', value: 'google/protobuf/timestamp.proto' });
    assert.equal(byFile.case, 'fileDescriptorResponse');

    // 4. The client ends its half, the server follows.
    reflection.end();
    assert.equal(await reflection.ended(), true);

    // 5. With no more than that, the method is called.
    const call = Promise.withResolvers<unknown>();
    client.makeUnaryRequest(
      `/${method.parent.typeName}/${method.name}`,
      (message: Uint8Array) => Buffer.from(message),
      (bytes: Buffer) => toJson(method.output, fromBinary(method.output, bytes)),
      toBinary(method.input, create(method.input)),
      (error, answer) => (error ? call.reject(error) : call.resolve(answer)),
    );
    assert.deepEqual(await call.promise, {});
    client.close();
  });
}

test('health: Check knows services by name, Watch stays open and tells of a change', async () => {
  const client = new Client(`127.0.0.1:${standIn.port}`, credentials.createInsecure());
  const { check, watch } = HealthService.method;
  const encode = (service: string) => Buffer.from(toBinary(check.input, create(check.input, { service })));
  const decode = (bytes: Buffer) => fromBinary(check.output, bytes).status;
  const ask = (service: string) => {
    const answer = Promise.withResolvers<number | undefined>();
    const path = `/${HealthService.typeName}/Check`;
    client.makeUnaryRequest(path, encode, decode, service, (error, value) =>
      error ? answer.reject(error) : answer.resolve(value),
    );
    return answer.promise;
  };
  assert.equal(await ask(''), 1);
  assert.equal(await ask('zitadel.admin.v1.AdminService'), 1);
  await assert.rejects(ask('no.such.Service'), { code: status.NOT_FOUND });

  const path = `/${HealthService.typeName}/${watch.name}`;
  const stream = client.makeServerStreamRequest(path, encode, decode, '');
  stream.on('error', () => {});
  const next = async () => (await once(stream, 'data'))[0] as number;
  assert.equal(await next(), 1);
  const changed = next();
  await standIn.fail({ mode: 'unready' });
  assert.equal(await changed, 2);
  const back = next();
  await standIn.heal();
  assert.equal(await back, 1);

  // The caller leaves; the stand-in is told by a CANCEL.
  stream.cancel();
  const record = await standIn.waitFor(({ path, ended }) => path.endsWith('/Watch') && ended !== undefined);
  assert.deepEqual([record.ended, record.rstCode], ['aborted', 8]);
  client.close();
});

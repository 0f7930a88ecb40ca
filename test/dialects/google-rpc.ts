/** Descriptors of google.rpc, declared for @bufbuild/protobuf so that tests read wire formats with somebody else's code. */

import { create, createFileRegistry, type DescFile, type DescMessage } from '@bufbuild/protobuf';
import {
  AnySchema,
  DurationSchema,
  EmptySchema,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';

const { OPTIONAL, REPEATED } = FieldDescriptorProto_Label;
const { INT32, STRING, MESSAGE } = FieldDescriptorProto_Type;
const known = new Map<string, DescFile>(
  [AnySchema, DurationSchema, EmptySchema].map(({ file }) => [`${file.name}.proto`, file]),
);

/** google.rpc.Status and RetryInfo as googleapis declares them, and a service that streams, for clients of streams. */
const file = create(FileDescriptorProtoSchema, {
  name: 'google/rpc/for-tests.proto',
  package: 'google.rpc',
  syntax: 'proto3',
  dependency: [...known.keys()],
  messageType: [
    {
      name: 'Status',
      field: [
        { name: 'code', jsonName: 'code', number: 1, label: OPTIONAL, type: INT32 },
        { name: 'message', jsonName: 'message', number: 2, label: OPTIONAL, type: STRING },
        {
          name: 'details',
          jsonName: 'details',
          number: 3,
          label: REPEATED,
          type: MESSAGE,
          typeName: '.google.protobuf.Any',
        },
      ],
    },
    {
      name: 'RetryInfo',
      field: [
        {
          name: 'retry_delay',
          jsonName: 'retryDelay',
          number: 1,
          label: OPTIONAL,
          type: MESSAGE,
          typeName: '.google.protobuf.Duration',
        },
      ],
    },
    {
      name: 'QuotaFailure',
      field: [
        {
          name: 'violations',
          jsonName: 'violations',
          number: 1,
          label: REPEATED,
          type: MESSAGE,
          typeName: '.google.rpc.QuotaFailure.Violation',
        },
      ],
      nestedType: [
        {
          name: 'Violation',
          field: [
            { name: 'subject', jsonName: 'subject', number: 1, label: OPTIONAL, type: STRING },
            { name: 'description', jsonName: 'description', number: 2, label: OPTIONAL, type: STRING },
          ],
        },
      ],
    },
    {
      name: 'RequestInfo',
      field: [
        { name: 'request_id', jsonName: 'requestId', number: 1, label: OPTIONAL, type: STRING },
        { name: 'serving_data', jsonName: 'servingData', number: 2, label: OPTIONAL, type: STRING },
      ],
    },
  ],
  service: [
    {
      name: 'Streaming',
      method: [
        {
          name: 'Watch',
          inputType: '.google.protobuf.Empty',
          outputType: '.google.protobuf.Empty',
          serverStreaming: true,
        },
      ],
    },
  ],
});

/** The registry of these messages, for Any in JSON. */
export const registry = createFileRegistry(file, (name) => known.get(name));

function message(name: string): DescMessage {
  const found = registry.getMessage(name);
  if (found === undefined) throw new Error(`${name} is not declared`);
  return found;
}

export const StatusDesc = message('google.rpc.Status');
export const RetryInfoDesc = message('google.rpc.RetryInfo');
export const QuotaFailureDesc = message('google.rpc.QuotaFailure');
export const StreamingDesc = registry.getService('google.rpc.Streaming')!;

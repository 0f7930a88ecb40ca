import { type DescFile, type DescMessage, type DescService, type Message, toBinary } from '@bufbuild/protobuf';
import type { GenMessage, GenService } from '@bufbuild/protobuf/codegenv2';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Code } from '@connectrpc/connect';
import { compiled, messageOf, serviceOf } from './proto-file.ts';
import type { OwnService } from './rpc.ts';

/** A question of server reflection. */
export type ReflectionRequest = Message & {
  host: string;
  messageRequest:
    | { case: 'fileByFilename' | 'fileContainingSymbol' | 'allExtensionNumbersOfType' | 'listServices'; value: string }
    | { case: 'fileContainingExtension'; value: Message & { containingType: string; extensionNumber: number } }
    | { case: undefined; value?: undefined };
};
/** An answer of server reflection. */
export type ReflectionResponse = Message & {
  validHost: string;
  originalRequest?: ReflectionRequest;
  messageResponse:
    | { case: 'fileDescriptorResponse'; value: Message & { fileDescriptorProto: Uint8Array[] } }
    | { case: 'allExtensionNumbersResponse'; value: Message & { baseTypeName: string; extensionNumber: number[] } }
    | { case: 'listServicesResponse'; value: Message & { service: (Message & { name: string })[] } }
    | { case: 'errorResponse'; value: Message & { errorCode: number; errorMessage: string } }
    | { case: undefined; value?: undefined };
};
type RequestSchema = GenMessage<ReflectionRequest>;
type ResponseSchema = GenMessage<ReflectionResponse>;
/** The type of the reflection service, the same for both of its versions. */
export type ReflectionService = GenService<{
  serverReflectionInfo: { methodKind: 'bidi_streaming'; input: RequestSchema; output: ResponseSchema };
}>;

/** The two versions of the service differ in the package name only (grpc/grpc-proto, grpc/reflection). */
export const REFLECTION_V1 = reflectionFile('v1');
/** The same under the name that it had before, which clients still ask for. */
export const REFLECTION_V1ALPHA = reflectionFile('v1alpha');

type Answer = { messageResponse: { case: string; value: object } };

/** Server reflection over the descriptors of services: both versions, ready to be served. */
export function reflectionServices(services: readonly DescService[]): OwnService[] {
  const index = new DescriptorIndex(services);
  return [REFLECTION_V1, REFLECTION_V1ALPHA].map((file) => ({
    service: serviceOf<ReflectionService>(file),
    implementation: {
      async *serverReflectionInfo(requests: AsyncIterable<ReflectionRequest>) {
        // A file is sent once on a stream, as grpc-go does.
        const sent = new Set<string>();
        for await (const request of requests) {
          yield { validHost: request.host, originalRequest: request, ...index.answer(request, sent) };
        }
      },
    } as never,
  }));
}

/** Where each symbol and file is. Made on the first question: most runs never ask. */
class DescriptorIndex {
  readonly #services: readonly DescService[];
  #byName: Map<string, DescFile> | undefined;
  #bySymbol: Map<string, DescFile> | undefined;
  #extensions: Map<string, Map<number, DescFile>> | undefined;

  constructor(services: readonly DescService[]) {
    this.#services = services;
  }

  answer({ messageRequest }: ReflectionRequest, sent: Set<string>): Answer {
    this.#index();
    switch (messageRequest.case) {
      case 'listServices': {
        const service = this.#services.map(({ typeName }) => ({ name: typeName }));
        return { messageResponse: { case: 'listServicesResponse', value: { service } } };
      }
      case 'fileByFilename':
        return files(this.#byName!.get(messageRequest.value), `file not found: ${messageRequest.value}`, sent);
      case 'fileContainingSymbol':
        return files(this.#bySymbol!.get(messageRequest.value), `symbol not found: ${messageRequest.value}`, sent);
      case 'fileContainingExtension': {
        const { containingType, extensionNumber } = messageRequest.value;
        const file = this.#extensions!.get(containingType)?.get(extensionNumber);
        return files(file, `extension not found: ${extensionNumber} of ${containingType}`, sent);
      }
      case 'allExtensionNumbersOfType': {
        const numbers = [...(this.#extensions!.get(messageRequest.value)?.keys() ?? [])];
        const value = { baseTypeName: messageRequest.value, extensionNumber: numbers };
        return { messageResponse: { case: 'allExtensionNumbersResponse', value } };
      }
      default:
        return error(Code.InvalidArgument, 'invalid message request');
    }
  }

  #index(): void {
    if (this.#byName) return;
    this.#byName = new Map();
    this.#bySymbol = new Map();
    this.#extensions = new Map();
    for (const { file } of this.#services) this.#addFile(file);
  }

  #addFile(file: DescFile): void {
    if (this.#byName!.has(fileName(file))) return;
    this.#byName!.set(fileName(file), file);
    const symbols = this.#bySymbol!;
    for (const service of file.services) {
      symbols.set(service.typeName, file);
      for (const method of service.methods) symbols.set(`${service.typeName}.${method.name}`, file);
    }
    for (const { typeName } of file.enums) symbols.set(typeName, file);
    for (const message of file.messages) this.#addMessage(message, file);
    for (const extension of file.extensions) {
      symbols.set(extension.typeName, file);
      const numbers = this.#extensions!.get(extension.extendee.typeName) ?? new Map<number, DescFile>();
      this.#extensions!.set(extension.extendee.typeName, numbers.set(extension.number, file));
    }
    for (const dependency of file.dependencies) this.#addFile(dependency);
  }

  #addMessage(message: DescMessage, file: DescFile): void {
    this.#bySymbol!.set(message.typeName, file);
    for (const { typeName } of message.nestedEnums) this.#bySymbol!.set(typeName, file);
    for (const nested of message.nestedMessages) this.#addMessage(nested, file);
  }
}

/** A file and all it depends on, as far as the stream has not seen them. */
function files(file: DescFile | undefined, otherwise: string, sent: Set<string>): Answer {
  if (!file) return error(Code.NotFound, otherwise);
  const fileDescriptorProto: Uint8Array[] = [];
  const add = (one: DescFile) => {
    if (sent.has(fileName(one))) return;
    sent.add(fileName(one));
    fileDescriptorProto.push(toBinary(FileDescriptorProtoSchema, one.proto));
    one.dependencies.forEach(add);
  };
  // The file asked for always comes, and comes first.
  sent.delete(fileName(file));
  add(file);
  return { messageResponse: { case: 'fileDescriptorResponse', value: { fileDescriptorProto } } };
}

function error(errorCode: number, errorMessage: string): Answer {
  return { messageResponse: { case: 'errorResponse', value: { errorCode, errorMessage } } };
}

function fileName(file: DescFile): string {
  return file.proto.name;
}

function reflectionFile(version: 'v1' | 'v1alpha'): DescFile {
  const text = { type: 'string', oneof: 'message_request' } as const;
  const answer = (type: string) => ({ type: `message ${type}` as const, oneof: 'message_response' });
  return compiled({
    name: `grpc/reflection/${version}/reflection.proto`,
    package: `grpc.reflection.${version}`,
    messages: {
      ServerReflectionRequest: [
        { name: 'host', number: 1, type: 'string' },
        { name: 'file_by_filename', number: 3, ...text },
        { name: 'file_containing_symbol', number: 4, ...text },
        { name: 'file_containing_extension', number: 5, type: 'message ExtensionRequest', oneof: 'message_request' },
        { name: 'all_extension_numbers_of_type', number: 6, ...text },
        { name: 'list_services', number: 7, ...text },
      ],
      ExtensionRequest: [
        { name: 'containing_type', number: 1, type: 'string' },
        { name: 'extension_number', number: 2, type: 'int32' },
      ],
      ServerReflectionResponse: [
        { name: 'valid_host', number: 1, type: 'string' },
        { name: 'original_request', number: 2, type: 'message ServerReflectionRequest' },
        { name: 'file_descriptor_response', number: 4, ...answer('FileDescriptorResponse') },
        { name: 'all_extension_numbers_response', number: 5, ...answer('ExtensionNumberResponse') },
        { name: 'list_services_response', number: 6, ...answer('ListServiceResponse') },
        { name: 'error_response', number: 7, ...answer('ErrorResponse') },
      ],
      FileDescriptorResponse: [{ name: 'file_descriptor_proto', number: 1, type: 'bytes', repeated: true }],
      ExtensionNumberResponse: [
        { name: 'base_type_name', number: 1, type: 'string' },
        { name: 'extension_number', number: 2, type: 'int32', repeated: true },
      ],
      ListServiceResponse: [{ name: 'service', number: 1, type: 'message ServiceResponse', repeated: true }],
      ServiceResponse: [{ name: 'name', number: 1, type: 'string' }],
      ErrorResponse: [
        { name: 'error_code', number: 1, type: 'int32' },
        { name: 'error_message', number: 2, type: 'string' },
      ],
    },
    service: {
      name: 'ServerReflection',
      methods: [
        {
          name: 'ServerReflectionInfo',
          input: 'ServerReflectionRequest',
          output: 'ServerReflectionResponse',
          clientStreaming: true,
          serverStreaming: true,
        },
      ],
    },
  });
}

/** The messages of one version, for clients that are not generated. */
export function reflectionMessages(file: DescFile): { request: RequestSchema; response: ResponseSchema } {
  return {
    request: messageOf<RequestSchema>(file, 'ServerReflectionRequest'),
    response: messageOf<ResponseSchema>(file, 'ServerReflectionResponse'),
  };
}

import {
  create,
  createFileRegistry,
  type DescFile,
  type DescMessage,
  type DescService,
  type MessageInitShape,
} from '@bufbuild/protobuf';
import type { FieldDescriptorProto_Type } from '@bufbuild/protobuf/wkt';
import {
  type FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from '@bufbuild/protobuf/wkt';

const SCALARS = { string: Type.STRING, bytes: Type.BYTES, int32: Type.INT32, int64: Type.INT64, bool: Type.BOOL };

/** A field, as in `repeated Item items = 1`: its type is a scalar, or a message or enum of the same file. */
export interface Field {
  readonly name: string;
  readonly number: number;
  readonly type: keyof typeof SCALARS | `message ${string}` | `enum ${string}`;
  readonly repeated?: boolean;
  readonly oneof?: string;
}

/** A method, as in `rpc Name(stream Input) returns (stream Output)`. */
export interface Rpc {
  readonly name: string;
  readonly input: string;
  readonly output: string;
  readonly clientStreaming?: boolean;
  readonly serverStreaming?: boolean;
}

/** A .proto file written as data, for definitions that no installed package has. */
export interface ProtoFile {
  readonly name: string;
  readonly package: string;
  readonly messages: Readonly<Record<string, readonly Field[]>>;
  readonly enums?: Readonly<Record<string, readonly string[]>>;
  readonly service: { readonly name: string; readonly methods: readonly Rpc[] };
}

/** Compiles a file to descriptors as the protobuf-es generator would. */
export function compiled(source: ProtoFile): DescFile {
  const file = create(FileDescriptorProtoSchema, {
    name: source.name,
    package: source.package,
    syntax: 'proto3',
    messageType: Object.entries(source.messages).map(([name, fields]) => {
      const oneofs = [...new Set(fields.flatMap((field) => field.oneof ?? []))];
      return {
        name,
        field: fields.map((field) => fieldOf(field, source.package, oneofs)),
        oneofDecl: oneofs.map((oneof) => ({ name: oneof })),
      };
    }),
    enumType: Object.entries(source.enums ?? {}).map(([name, values]) => ({
      name,
      value: values.map((value, number) => ({ name: value, number })),
    })),
    service: [
      {
        name: source.service.name,
        method: source.service.methods.map(({ name, input, output, clientStreaming, serverStreaming }) => ({
          name,
          inputType: `.${source.package}.${input}`,
          outputType: `.${source.package}.${output}`,
          clientStreaming: clientStreaming ?? false,
          serverStreaming: serverStreaming ?? false,
        })),
      },
    ],
  });
  return createFileRegistry(file, () => undefined).getFile(source.name)!;
}

/** The service of a compiled file, under the type that a generator would have given it. */
export function serviceOf<S extends DescService>(file: DescFile): S {
  return file.services[0] as S;
}

/** A message of a compiled file, under the type that a generator would have given it. */
export function messageOf<M extends DescMessage>(file: DescFile, name: string): M {
  const message = file.messages.find((candidate) => candidate.name === name);
  if (!message) throw new Error(`${file.name} has no message ${name}`);
  return message as M;
}

function fieldOf(
  field: Field,
  packageName: string,
  oneofs: readonly string[],
): MessageInitShape<typeof FieldDescriptorProtoSchema> {
  const [kind, typeName] = field.type.split(' ') as [string, string | undefined];
  const type: FieldDescriptorProto_Type =
    kind === 'message' ? Type.MESSAGE : kind === 'enum' ? Type.ENUM : SCALARS[kind as keyof typeof SCALARS];
  return {
    name: field.name,
    number: field.number,
    label: field.repeated ? Label.REPEATED : Label.OPTIONAL,
    type,
    ...(typeName && { typeName: `.${packageName}.${typeName}` }),
    ...(field.oneof && { oneofIndex: oneofs.indexOf(field.oneof) }),
  };
}

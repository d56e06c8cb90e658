/** Paths of OpenAPI v3 in the words of v2. */
import type { Json } from './openapi-shape.ts';

const methods = ['get', 'put', 'post', 'delete', 'patch'];

/** One path with its operations. */
export function pathItemV2(item: Json): Json {
  const out: Json = {};
  for (const method of methods) {
    const operation = item[method];
    if (operation !== undefined) out[method] = operationV2(operation as Json);
  }
  const parameters = item['parameters'];
  if (Array.isArray(parameters) && parameters.length > 0) {
    out['parameters'] = parameters.map(parameterV2);
  }
  return out;
}

function operationV2(operation: Json): Json {
  const { parameters, requestBody, responses, ...rest } = operation;
  const body = requestBody as { content: Readonly<Record<string, { schema: Json }>> } | undefined;
  const consumes = Object.keys(body?.content ?? {});
  const [sent] = Object.values(body?.content ?? {});
  const ok = (responses as Record<string, { content: Record<string, { schema: Json }> }>)['200'];
  const [answered] = Object.values(ok?.content ?? {});
  return {
    ...rest,
    ...(consumes.length === 0 ? {} : { consumes }),
    produces: ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'],
    parameters: [
      ...(sent === undefined
        ? []
        : [{ name: 'body', in: 'body', required: true, schema: refsV2(sent.schema) }]),
      ...(parameters as readonly Json[]).map(parameterV2),
    ],
    responses: {
      200: {
        description: 'OK',
        ...(answered === undefined ? {} : { schema: refsV2(answered.schema) }),
      },
    },
  };
}

function parameterV2({ schema, ...rest }: Json): Json {
  return { ...rest, ...(schema as Json) };
}

function refsV2(schema: Json): Json {
  const { $ref } = schema;
  if (typeof $ref !== 'string') return schema;
  return { $ref: $ref.replace('#/components/schemas/', '#/definitions/') };
}

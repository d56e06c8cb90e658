/**
 * A client that does not write once leadership may be another's: a process that was stopped for a minute (a sleeping
 * machine, a debugger) goes on where it was, with writes of its old world, before it can notice that its lease ran out.
 */
import type { ApiObject, Client, Collection } from '#api/client/collection.ts';
import type { ResourceType } from '#api/resources/meta.ts';

const writes: ReadonlySet<string | symbol> = new Set([
  ...['create', 'update', 'updateStatus', 'patch', 'patchStatus', 'createSubresource', 'delete'],
]);

/** A write was not made: whether we lead is not known any more. */
export class Fenced extends Error {
  override readonly name = 'Fenced';
}

/**
 * The client with every write guarded: `mayWrite` is asked immediately before. Reads pass.
 * Refused writes reject with `Fenced`; the reconciler that made them is about to be stopped.
 */
export function fenced<C extends Client>(client: C, mayWrite: () => boolean): C {
  const guard = (what: string) => {
    if (mayWrite()) return;
    throw new Fenced(`${what}: the lease was not renewed in time, another may lead`);
  };
  const collection = <T extends ApiObject>(type: ResourceType): Collection<T> => {
    const inner = client.collection<T>(type);
    return new Proxy(inner, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        if (!writes.has(name)) return value.bind(target);
        return async (...args: unknown[]) => {
          guard(`${String(name)} ${type.plural}`);
          return value.apply(target, args);
        };
      },
    });
  };
  const request: Client['request'] = async (method, path, ...rest) => {
    if (method !== 'GET') guard(`${method} ${path}`);
    return client.request(method, path, ...rest);
  };
  return new Proxy(client, {
    get: (target, name) => {
      if (name === 'collection') return collection;
      if (name === 'request') return request;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

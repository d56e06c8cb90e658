/** config.json of a bundle (runtime-spec 1.0 to 1.3): what it may say, field by field. Fields not named here are ignored, as the specification wants. */

import * as t from 'io-ts';
import {
  AbsolutePath,
  Environment,
  flag,
  list,
  nullable,
  Path,
  Text,
  text,
  Word,
  whole,
} from './codecs.ts';
import { IdMappings, Linux } from './linux.ts';
import { Process } from './process.ts';

const Hook = t.intersection([
  t.type({ path: AbsolutePath }),
  t.partial({
    args: list(Text),
    env: list(Environment),
    timeout: nullable(whole(1, 2 ** 31 - 1, 'seconds')),
  }),
]);
export interface Hook extends t.TypeOf<typeof Hook> {}

/** In the order they run. */
export const hookNames = [
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
] as const;
export type HookName = (typeof hookNames)[number];

const Hooks = t.partial({
  prestart: list(Hook),
  createRuntime: list(Hook),
  createContainer: list(Hook),
  startContainer: list(Hook),
  poststart: list(Hook),
  poststop: list(Hook),
});
export interface Hooks extends t.TypeOf<typeof Hooks> {}

const Mount = t.intersection([
  t.type({ destination: Path }),
  t.partial({
    type: nullable(Text),
    source: nullable(Text),
    options: list(Word),
    uidMappings: IdMappings,
    gidMappings: IdMappings,
  }),
]);
export interface Mount extends t.TypeOf<typeof Mount> {}

export const Config = t.intersection([
  t.type({
    ociVersion: text('a version 1.x of the runtime-spec', (s) =>
      /^1\.\d+\.\d+([-+][\w.+-]+)?$/.test(s),
    ),
  }),
  t.partial({
    root: nullable(t.intersection([t.type({ path: Path }), t.partial({ readonly: flag })])),
    process: nullable(Process),
    hostname: nullable(text('a host name of at most 64 bytes', (s) => /^[^\0/]{0,64}$/.test(s))),
    domainname: nullable(text('a domain name of at most 64 bytes', (s) => /^[^\0]{0,64}$/.test(s))),
    mounts: list(Mount),
    hooks: nullable(Hooks),
    annotations: nullable(t.record(t.string, t.string)),
    linux: nullable(Linux),
    vm: nullable(t.unknown),
  }),
]);
export interface Config extends t.TypeOf<typeof Config> {}

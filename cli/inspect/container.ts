/**
 * A container in the field names of `docker inspect`, with the document itself beside them (`metadata`, `spec`, `status`):
 * docker's names begin with capital letters, the document's do not. Pure.
 */
import type { Container } from '../container.ts';
import { idOf, nameOf } from '../find-container.ts';
import { configOf } from './config.ts';
import type { Facts } from './facts.ts';
import { hostConfigOf } from './host-config.ts';
import { stateOf } from './state.ts';
import { mountsOf, networkSettingsOf } from './surroundings.ts';

function sizes({ writtenBytes, image }: Facts): object {
  if (writtenBytes === undefined) return {};
  return { SizeRw: writtenBytes, SizeRootFs: writtenBytes + (image?.Size ?? 0) };
}

const driver = 'overlay';

function graphDriver({ layers }: Facts): object {
  if (layers === undefined) return { Name: driver, Data: null };
  const { upper, work, lowers } = layers;
  return { Name: driver, Data: { LowerDir: lowers.join(':'), UpperDir: upper, WorkDir: work } };
}

export function dockerContainer(container: Container, facts: Facts): object {
  const config = configOf(container, facts.image?.Config ?? {});
  const [path = '', ...args] = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  const { metadata, status } = container;
  return {
    Id: idOf(container),
    Created: metadata.creationTimestamp ?? '',
    Path: path,
    Args: args,
    State: stateOf(container, facts),
    Image: facts.image?.Id ?? '',
    Name: `/${nameOf(container)}`,
    RestartCount: status?.restartCount ?? 0,
    Driver: driver,
    Platform: 'linux',
    ...sizes(facts),
    HostConfig: hostConfigOf(container),
    GraphDriver: graphDriver(facts),
    Mounts: mountsOf(container, facts),
    Config: config,
    NetworkSettings: networkSettingsOf(container, config, facts),
    ...container,
  };
}

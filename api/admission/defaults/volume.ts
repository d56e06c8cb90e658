/** Defaults of a pod's volumes (`core/v1/defaults.go`, `core/v1/zz_generated.defaults.go`). */
import { isObject, type JsonObject, objectOr, objectsOf } from '#api/resources/json.ts';
import { fill, isUnset } from './fill.ts';
import { pullPolicy } from './image.ts';

const FILE_MODE = 0o644;

/** Sources whose absent fields have fixed values; those of rbd, iscsi and others are in the schema. */
const SOURCES: Readonly<Record<string, JsonObject>> = {
  secret: { defaultMode: FILE_MODE },
  configMap: { defaultMode: FILE_MODE },
  downwardAPI: { defaultMode: FILE_MODE },
  projected: { defaultMode: FILE_MODE },
  hostPath: { type: '' },
};

/** `fieldRef`s of a downward API volume, its own or a projected one. */
function defaultItems(source: JsonObject): void {
  for (const item of objectsOf(source['items'])) {
    if (isObject(item['fieldRef'])) fill(item['fieldRef'], { apiVersion: 'v1' });
  }
}

function defaultProjected(source: JsonObject): void {
  for (const { serviceAccountToken, downwardAPI } of objectsOf(source['sources'])) {
    if (isObject(serviceAccountToken)) fill(serviceAccountToken, { expirationSeconds: 3600 });
    if (isObject(downwardAPI)) defaultItems(downwardAPI);
  }
}

/** Fills what every volume source of this name has; used for PersistentVolumes, too. */
export function defaultSource(name: string, source: JsonObject): void {
  const defaults = SOURCES[name];
  if (defaults !== undefined) fill(source, defaults);
  // The empty type of a hostPath is itself the default ("no check").
  if (name === 'hostPath' && isUnset(source['type'])) source['type'] = '';
}

/** A volume without any source is an emptyDir. */
export function defaultVolume(volume: JsonObject): void {
  const sources = Object.entries(volume).filter(
    ([name, value]) => name !== 'name' && isObject(value),
  );
  if (sources.length === 0) volume['emptyDir'] = {};
  for (const [name, source] of sources) {
    defaultSource(name, source as JsonObject);
  }
  const { projected, downwardAPI, ephemeral, image } = volume;
  if (isObject(projected)) defaultProjected(projected);
  if (isObject(downwardAPI)) defaultItems(downwardAPI);
  if (isObject(ephemeral)) {
    const spec = objectOr(ephemeral['volumeClaimTemplate'])['spec'];
    if (isObject(spec)) fill(spec, { volumeMode: 'Filesystem' });
  }
  if (isObject(image)) fill(image, { pullPolicy: pullPolicy(image['reference']) });
}

/** The documents of a folder: what its kustomization says, or every YAML and JSON file below it. */
import { hasFolder, joined, SourceError, type Tree } from '../source/tree.ts';
import { type Document, idOf, type Problem, placedOf, type Rendered, shown } from '../types.ts';
import { Builder } from './build.ts';
import { isDocumentFile, parseDocuments } from './documents.ts';
import { kustomizationIn } from './kustomization.ts';

const folderOf = (path: string): string => path.split('/').slice(0, -1).join('/');
const isHidden = (path: string): boolean => path.split('/').some((step) => step.startsWith('.'));

/** Folders with a kustomization, nearest to the top first: what lies below one belongs to it. */
function kustomized(tree: Tree, folder: string): string[] {
  const below = (path: string) => folder === '' || path === folder || path.startsWith(`${folder}/`);
  const found = new Set<string>();
  for (const path of tree.entries.keys()) {
    const at = folderOf(path);
    if (below(at) && !isHidden(path) && kustomizationIn(tree, at) === path) found.add(at);
  }
  return [...found]
    .sort((a, b) => a.length - b.length || (a < b ? -1 : 1))
    .filter((at, i, all) => !all.slice(0, i).some((top) => top === '' || at.startsWith(`${top}/`)));
}

async function plainFile(tree: Tree, path: string): Promise<Rendered> {
  try {
    return parseDocuments((await tree.read(path)).toString('utf8'), path);
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    const message = error.message.replace(`${path}: `, '');
    return { documents: [], problems: [{ place: path, message }] };
  }
}

/** Of two documents for one object the first counts, and the second is a problem. */
function withoutTwins(documents: readonly Document[], problems: readonly Problem[]): Rendered {
  const first = new Map<string, Document>();
  const twins: Problem[] = [];
  for (const document of documents) {
    const placed = placedOf(document);
    const held = first.get(idOf(placed));
    if (held === undefined) first.set(idOf(placed), document);
    else {
      const message = `${shown(placed)} stands at ${held.place}, too`;
      twins.push({ place: document.place, message });
    }
  }
  return { documents: [...first.values()], problems: [...problems, ...twins] };
}

/** @throws SourceError if the folder is not there, or files cannot be read */
export async function render(tree: Tree, path: string): Promise<Rendered> {
  let folder: string;
  try {
    folder = joined('', path);
  } catch (error) {
    throw new SourceError('Refused', `spec.path: ${(error as Error).message}`);
  }
  if (!hasFolder(tree, folder)) {
    throw new SourceError('NotFound', `spec.path: there is no folder ${path} in ${tree.revision}`);
  }
  const built = kustomized(tree, folder);
  const isBuilt = (file: string) => built.some((at) => at === '' || file.startsWith(`${at}/`));
  const inFolder = (file: string) => folder === '' || file.startsWith(`${folder}/`);
  const plain = [...tree.entries.keys()].filter(
    (file) => inFolder(file) && isDocumentFile(file) && !isHidden(file) && !isBuilt(file),
  );
  const parts = await Promise.all([
    ...plain.sort().map((file) => plainFile(tree, file)),
    ...built.map((at) => new Builder(tree).build(at)),
  ]);
  return withoutTwins(
    parts.flatMap(({ documents }) => documents),
    parts.flatMap(({ problems }) => problems),
  );
}

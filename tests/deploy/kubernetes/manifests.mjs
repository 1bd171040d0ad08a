// The objects of deploy/kubernetes, as kubectl renders them.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

export const projectFolder = fileURLToPath(new URL('../../..', import.meta.url));
export const manifests = join(projectFolder, 'deploy/kubernetes');

// The objects of the kustomization in `folder`, in the order of the output.
export function render(folder) {
  const text = execFileSync(process.env.LEHR_KUBECTL, ['kustomize', folder], { encoding: 'utf8' });
  return parseAllDocuments(text).map((document) => document.toJS());
}

export const supervisor = render(join(manifests, 'overlays/monitoring'));
export const job = render(join(manifests, 'examples/job'));
export const pytorchJob = render(join(manifests, 'examples/pytorchjob'));
export const all = [...supervisor, ...job, ...pytorchJob];

export function nameOf(object) {
  return `${object.kind} ${object.metadata.name}`;
}

// The only object of this kind, and of this name if there is one.
export function find(objects, kind, name) {
  const found = objects.filter(
    (object) => object.kind === kind && (!name || object.metadata.name === name),
  );
  if (found.length !== 1) throw new Error(`${found.length} objects are a ${kind} ${name ?? ''}`);
  return found[0];
}

// The pod templates of what starts pods, each with the name of its object.
export function podTemplates(objects) {
  return objects.flatMap((object) => {
    const replicas = Object.values(object.spec?.pytorchReplicaSpecs ?? { only: object.spec });
    return replicas
      .filter((spec) => spec?.template)
      .map(({ template }) => ({ of: nameOf(object), template }));
  });
}

export function containersOf(template) {
  return [...(template.spec.initContainers ?? []), ...template.spec.containers];
}
